namespace OrleansStreaming.Docs.Tests.Examples.LateOperator;

public sealed record Sale(string Shop, int Amount);

public struct Sum
{
    public long Amount;
}

public sealed class Takings : OperatorGrain<Sum>, IConsume<Sale>
{
    public ValueTask OnEvent(Sale sale, EventContext context)
    {
        State.Amount += sale.Amount;
        return default;
    }
}

public sealed class Largest : OperatorGrain<Sum>, IConsume<Sale>
{
    public ValueTask OnEvent(Sale sale, EventContext context)
    {
        State.Amount = Math.Max(State.Amount, sale.Amount);
        return default;
    }
}

internal static class Topology
{
    public static StreamingBuilder First(StreamingBuilder streaming) =>
        #region first
        streaming
            .AddStream<Sale>("sales", keyedBy: s => s.Shop, s => s.Retain(TimeSpan.FromDays(1), bytes: 1 << 30))
            .AddOperator<Takings>(from: "sales");
        #endregion

    public static StreamingBuilder Second(StreamingBuilder streaming) =>
        #region second
        streaming
            .AddStream<Sale>("sales", keyedBy: s => s.Shop, s => s.Retain(TimeSpan.FromDays(1), bytes: 1 << 30))
            .AddOperator<Takings>(from: "sales")
            .AddOperator<Largest>(from: "sales"); // New: it begins with the oldest sale that is still there.
        #endregion
}

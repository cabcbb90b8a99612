namespace OrleansStreaming.Docs.Tests.Examples.SeveralInputs;

#region settlement
public sealed record Order(string Id, int Amount);

public sealed record Payment(string OrderId, int Paid);

public sealed record Settled(string Id, int Amount);

public struct Account
{
    public int Ordered;
    public int Paid;
}

public sealed class Settlement : OperatorGrain<Account>, IConsume<Order>, IConsume<Payment>
{
    public ValueTask OnEvent(Order order, EventContext context)
    {
        State.Ordered += order.Amount;
        return Check(context);
    }

    public ValueTask OnEvent(Payment payment, EventContext context)
    {
        State.Paid += payment.Paid;
        return Check(context);
    }

    private ValueTask Check(EventContext context)
    {
        if (State.Ordered > 0 && State.Ordered == State.Paid)
        {
            context.Emit("settled", new Settled(Key, State.Ordered));
        }

        return default;
    }
}
#endregion

internal static class Topology
{
    public static StreamingBuilder AddSettlement(this StreamingBuilder streaming) =>
        #region topology
        streaming
            .AddStream<Order>("orders", keyedBy: o => o.Id)
            .AddStream<Payment>("payments", keyedBy: p => p.OrderId)
            .AddStream<Settled>("settled", keyedBy: s => s.Id)
            .AddOperator<Settlement>(from: ["orders", "payments"], to: "settled");
        #endregion
}

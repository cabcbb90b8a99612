namespace OrleansStreaming.Embedded.Tests;

public readonly record struct Tick(long Meter, long Value);

public sealed class Meter : OperatorGrain<long, Tally>, IConsume<Tick>
{
    public ValueTask OnEvent(Tick tick, EventContext context)
    {
        State.Count++;
        State.Sum += tick.Value;
        return default;
    }
}

/// <summary>Meters, all in one partition of one silo.</summary>
internal static class Metering
{
    public static Task<TestApp> StartAsync(string folder) => TestApp.StartAsync(
        folder,
        s => s.AddStream<Tick>("ticks", keyedBy: t => t.Meter, o => o.Partitions(1)).AddOperator<Meter>(from: "ticks"),
        o => o.Silos = 1);
}

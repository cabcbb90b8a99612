namespace OrleansStreaming.Docs.Tests.Examples.KeysAndTypes;

#region devices
public readonly record struct Reading(long Device, double Value);

public readonly record struct Reset(long Device);

public struct Meter
{
    public long Readings;
    public double Sum;
}

public sealed class Meters : OperatorGrain<long, Meter>, IConsume<Reading>, IConsume<Reset>
{
    public ValueTask OnEvent(Reading reading, EventContext context)
    {
        State.Readings++;
        State.Sum += reading.Value;
        return default;
    }

    public ValueTask OnEvent(Reset reset, EventContext context)
    {
        State = default;
        return default;
    }
}
#endregion

internal static class Topology
{
    public static StreamingBuilder AddMeters(this StreamingBuilder streaming) =>
        #region topology
        streaming
            .AddStream<Reading>("readings", keyedBy: r => r.Device, s => s.Partitions(4).Also<Reset>(r => r.Device))
            .AddOperator<Meters>(from: "readings");
        #endregion
}

using System.Diagnostics.Metrics;

namespace OrleansStreaming.Engine;

/// <summary>What the engine has done and holds, as metrics. Observed when somebody asks; costs nothing otherwise.</summary>
internal sealed class StreamingMetrics : IDisposable
{
    private readonly Meter _meter;

    public StreamingMetrics(StreamingEngine engine, IMeterFactory meters)
    {
        _meter = meters.Create(StreamingDiagnostics.MeterName);
        Counter("streaming.events.ingested", "{event}", "Events that came in from outside.", t => t.Ingested);
        Counter("streaming.turns", "{turn}", "Turns that took effect, repeats included.", t => t.Events);
        Counter("streaming.events.released", "{event}", "Events released to sinks.", t => t.Released);
        Counter("streaming.checkpoints", "{checkpoint}", "Committed checkpoints.", t => t.Checkpoints);
        _meter.CreateObservableCounter("streaming.checkpoint.time", () => engine.Hosts.Sum(h => h.Totals.CheckpointMicros), "us", "Taken by checkpoints and merging them, of the loops and beside them.");
        _meter.CreateObservableCounter("streaming.checkpoint.written", () => engine.Hosts.Sum(h => h.Totals.CheckpointBytes), "By", "Written by checkpoints and merging them.");
        _meter.CreateObservableUpDownCounter("streaming.silo.checkpoint.interval", () => PerSilo(engine, s => s.Silo.Pace.IntervalMs), "ms", "Time between two checkpoints of a partition of a silo.");
        Counter("streaming.rollbacks", "{grain}", "Live grains that went back because they depended on lost records.", t => t.RolledBack);
        _meter.CreateObservableUpDownCounter("streaming.grains", () => engine.GetTotals().Grains, "{grain}", "Grains in memory.");
        _meter.CreateObservableUpDownCounter("streaming.silo.unflushed", () => PerSilo(engine, s => s.Silo.Journal.UnflushedBytes), "By", "Appended to a silo's journal and not yet durable.");
        _meter.CreateObservableUpDownCounter("streaming.silo.partitions", () => PerSilo(engine, s => s.Silo.Ownerships.Active.Count), "{partition}", "Partitions that a silo serves.");
        _meter.CreateObservableCounter("streaming.silo.starts", () => engine.Hosts.Select(h => Of((long)h.Incarnations, h)), "{start}", "How often a silo has started.");

        void Counter(string name, string unit, string description, Func<EngineTotals, long> value) =>
            _meter.CreateObservableCounter(name, () => value(engine.GetTotals()), unit, description);
    }

    public void Dispose() => _meter.Dispose();

    private static IEnumerable<Measurement<long>> PerSilo(StreamingEngine engine, Func<SiloIncarnation, long> value) =>
        engine.Hosts.Select(h => Of(h.Current is { } current ? value(current) : 0L, h));

    private static Measurement<long> Of(long value, SiloHost host) => new(value, new KeyValuePair<string, object?>("streaming.silo.name", host.Name));
}

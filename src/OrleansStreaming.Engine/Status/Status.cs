namespace OrleansStreaming;

/// <summary>What a silo is doing.</summary>
/// <param name="Name">Such as <c>silo0</c>.</param>
/// <param name="State"><c>starting</c>, <c>running</c>, <c>draining</c>, <c>stopped</c>, or <c>busy</c> when it does not answer.</param>
/// <param name="Journal">The journal of this incarnation, such as <c>silo0-3</c>.</param>
/// <param name="DurableLsn">The last frame of the journal that is durable.</param>
/// <param name="UnflushedBytes">Appended and not yet durable.</param>
/// <param name="Partitions">Partitions served.</param>
/// <param name="Grains">Grains in memory.</param>
/// <param name="Events">Turns that took effect since the process started, repeats included.</param>
/// <param name="Released">Events released to sinks since the process started.</param>
/// <param name="Checkpoints">Committed checkpoints since the process started.</param>
/// <param name="RolledBack">Live grains rolled back since the process started.</param>
/// <param name="Incarnations">How often the silo has started in this process.</param>
/// <param name="Trouble">What keeps it from working, or null.</param>
public sealed record SiloStatus(
    string Name, string State, string Journal, long DurableLsn, long UnflushedBytes, int Partitions, long Grains, long Events, long Released, long Checkpoints, long RolledBack, int Incarnations, string? Trouble);

/// <summary>Where a sink of one partition stands.</summary>
/// <param name="Sink">The sink's name.</param>
/// <param name="Partition">Such as <c>reports-3</c>.</param>
/// <param name="State"><c>ok</c>, <c>retrying</c> or <c>parked</c>.</param>
/// <param name="Position">Released up to here.</param>
/// <param name="Attempts">Failed attempts in a row.</param>
/// <param name="Error">The last error, or null.</param>
public sealed record SinkStatus(string Sink, string Partition, string State, string Position, int Attempts, string? Error);

/// <summary>A turn that does not end.</summary>
/// <param name="Operator">The operator.</param>
/// <param name="Key">The grain's key.</param>
/// <param name="Offset">The event.</param>
/// <param name="RunningMs">For how long.</param>
public sealed record StuckTurn(string Operator, string Key, string Offset, long RunningMs);

/// <summary>What keeps the engine from being ready, and what needs attention.</summary>
/// <param name="Ready">Every partition is served and storage takes writes.</param>
/// <param name="Problems">One line each; empty when all is well.</param>
/// <param name="Sinks">Sinks that are retrying or parked.</param>
/// <param name="StuckTurns">Turns that run longer than they should.</param>
public sealed record EngineHealth(bool Ready, IReadOnlyList<string> Problems, IReadOnlyList<SinkStatus> Sinks, IReadOnlyList<StuckTurn> StuckTurns);

/// <summary>The state of a grain.</summary>
/// <param name="Key">The key as text.</param>
/// <param name="Json">The state as JSON.</param>
/// <param name="Offset">The last event that it covers.</param>
public sealed record GrainState(string Key, ReadOnlyMemory<byte> Json, Offset Offset);

/// <summary>A failure and what each silo did about it: the blast radius.</summary>
/// <param name="Silo">The silo that failed.</param>
/// <param name="Journal">Its journal.</param>
/// <param name="SealVersion">The seal's version, R.</param>
/// <param name="SealedAt">The last frame that survived.</param>
/// <param name="Time">When the seal was applied first.</param>
/// <param name="LostRecords">Records that the silo had appended and that were lost with it; null when nobody can know (the process died too).</param>
/// <param name="RolledBackGrains">Live grains of other silos that depended on lost records, and went back.</param>
/// <param name="ReactivatedGrains">Grains brought back from checkpoints.</param>
/// <param name="ReplayedEvents">Events processed again.</param>
/// <param name="TakenOverPartitions">Partitions that changed their owner.</param>
/// <param name="RecoveredMs">From the seal until all had caught up; null while under way.</param>
/// <param name="Grains">The grains that went back, each with its reason.</param>
public sealed record Rollback(
    string Silo, string Journal, int SealVersion, long SealedAt, DateTimeOffset Time, long? LostRecords, int RolledBackGrains, long ReactivatedGrains, long ReplayedEvents, int TakenOverPartitions, long? RecoveredMs, IReadOnlyList<RolledBack> Grains);

/// <summary>One grain that went back.</summary>
/// <param name="By">The silo that it lives on.</param>
/// <param name="Operator">The operator.</param>
/// <param name="Key">The key.</param>
/// <param name="LostRecord">The lost record that it depended on: journal and frame.</param>
/// <param name="Because">The void event that brought the dependency, and who had sent it.</param>
/// <param name="From">The last event that it had processed.</param>
public sealed record RolledBack(string By, string Operator, string Key, string LostRecord, string? Because, string From);

/// <summary>What became of a request to ingest.</summary>
public enum IngestOutcome
{
    /// <summary>Every event is durable, now or from an earlier request with the same sequence.</summary>
    Durable,

    /// <summary>Too much waits: nothing, or for several partitions not everything, was taken. Retry with the same producer and sequence.</summary>
    Busy,

    /// <summary>A partition remembers as many producers as it may.</summary>
    TooManyProducers,
}

/// <summary>The answer to a request to ingest.</summary>
/// <param name="Outcome">What became of it.</param>
/// <param name="Accepted">Events that were new; the others are repeats.</param>
public readonly record struct IngestAnswer(IngestOutcome Outcome, int Accepted);

/// <summary>Totals over all silos since the process started.</summary>
/// <param name="Ingested">Events that came in from outside.</param>
/// <param name="Events">Turns that took effect, repeats included.</param>
/// <param name="Released">Events released to sinks.</param>
/// <param name="Grains">Grains in memory.</param>
/// <param name="Checkpoints">Committed checkpoints.</param>
/// <param name="RolledBack">Live grains that went back.</param>
/// <param name="P50Micros">Median time from ingest to release, microseconds.</param>
/// <param name="P99Micros">99th percentile of it.</param>
public sealed record EngineTotals(long Ingested, long Events, long Released, long Grains, long Checkpoints, long RolledBack, long P50Micros, long P99Micros);

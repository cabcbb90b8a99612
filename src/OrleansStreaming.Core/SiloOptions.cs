namespace OrleansStreaming.Core;

/// <summary>The limits and intervals of one silo, in the units their names say.</summary>
internal sealed record SiloOptions
{
    /// <summary>Tells this deployment from others, for what lies outside of it.</summary>
    public string Deployment { get; init; } = string.Empty;

    /// <summary>The process that runs the silo, noted with its journal; null where nobody else asks.</summary>
    public string? Host { get; init; }

    /// <summary>Operators whose turns have blocked a loop before: they run away from it.</summary>
    public IReadOnlySet<string> Blocking { get; init; } = new HashSet<string>();

    /// <summary>Partitions of streams that the topology no longer has: what they still need stays.</summary>
    public IReadOnlyList<string> RetiredPartitions { get; init; } = [];

    /// <summary>A frame is closed when it has gathered this much.</summary>
    public int MaxFrameBytes { get; init; } = 4 << 20;

    /// <summary>One append takes frames up to about this much.</summary>
    public int MaxFlushBytes { get; init; } = 16 << 20;

    /// <summary>The shortest time between the starts of two flushes.</summary>
    public long FlushEveryMs { get; init; }

    /// <summary>Under full load flushes of less than this are at least a millisecond apart.</summary>
    public long FlushBytesWhileBusy { get; init; } = 512 << 10;

    /// <summary>The shortest interval of checkpoints of a partition that has changed.</summary>
    public long CheckpointEveryMs { get; init; } = 2000;

    /// <summary>The share of one core's time that checkpoints of the silo may take; the interval follows from what they cost.</summary>
    public double CheckpointOverhead { get; init; } = 0.05;

    /// <summary>A partition is checkpointed early when replaying what its last checkpoint does not cover would take longer.</summary>
    public long RecoveryTargetMs { get; init; } = 10_000;

    /// <summary>A partition is checkpointed early when this much has been appended since the last checkpoint: the disk must hold it.</summary>
    public long CheckpointBytes { get; init; } = 4L << 30;

    /// <summary>An idle partition lets go of the journal when this much has been appended: who takes it over reads all that it keeps.</summary>
    public long IdlePinBytes { get; init; } = 16 << 20;

    /// <summary>Rows kept in memory beyond what is being worked on; older ones are read again from the journal.</summary>
    public long MemoryBudgetBytes { get; init; } = 256 << 20;

    /// <summary>The edge refuses while more than this is appended and not durable.</summary>
    public long MaxUnflushedBytes { get; init; } = 64 << 20;

    /// <summary>The edge refuses events for a partition that has more than this to process.</summary>
    public long MaxBacklogBytes { get; init; } = 128 << 20;

    /// <summary>Sources wait while a partition has more than this to process, also of what it cannot process yet.</summary>
    public long SourceBacklogBytes { get; init; } = 2 << 20;

    /// <summary>How often storage is asked for seals and ownership in case announcements were lost.</summary>
    public long PollMs { get; init; } = 1000;

    /// <summary>A send that is not known to have arrived goes out again after this long.</summary>
    public long ResendMs { get; init; } = 500;

    /// <summary>The wait before a failed storage operation that may be repeated is repeated.</summary>
    public long StorageRetryMs { get; init; } = 50;

    /// <summary>Storage that has not answered for this long is told of.</summary>
    public long SlowStorageMs { get; init; } = 3000;

    /// <summary>Sends are handed to the transport when this much has gathered, or at the end of a step.</summary>
    public int MaxBatchBytes { get; init; } = 64 << 10;

    /// <summary>Rows delivered in one step, over all partitions. What they send to one partition goes in one message.</summary>
    public int RowsPerStep { get; init; } = 4096;

    /// <summary>A step delivers no further rows after this long: messages, flushes and answers wait for its end.</summary>
    public long StepMicros { get; init; } = 1000;

    /// <summary>Grains whose state is copied for a checkpoint in one step, at most.</summary>
    public int CaptureGrainsPerStep { get; init; } = 16_384;

    /// <summary>How long a step copies grains, or tells them that they are covered.</summary>
    public long CaptureMicrosPerStep { get; init; } = 500;

    /// <summary>Blocks of a partition's log that one step forgets, and whose names it forgets: small frames make tens of thousands superfluous at once.</summary>
    public int BlocksPerStep { get; init; } = 128;

    /// <summary>Blocks of a partition's log that one step reads for the names in them.</summary>
    public int NamesBlocksPerStep { get; init; } = 8;

    /// <summary>Grains brought back in one step.</summary>
    public int LoadsPerStep { get; init; } = 256;

    /// <summary>With more grains to bring back for the next part of a history, none of it is handed out before all have come: their events would wait in memory, one by one.</summary>
    public int LoadsUnawaited { get; init; } = 1024;

    /// <summary>Events that wait for one busy grain in memory; more are found again in the log.</summary>
    public int MaxMailbox { get; init; } = 256;

    /// <summary>Turns that wait to begin away from the loop: nothing more is handed out there meanwhile.</summary>
    public int MaxTurnsElsewhere { get; init; } = 4096;

    /// <summary>How long a checkpoint waits for the ends of turns that were under way when it came to their grains.</summary>
    public long CaptureWaitMs { get; init; } = 100;

    /// <summary>External producers remembered per partition.</summary>
    public int MaxProducers { get; init; } = 100_000;

    /// <summary>A producer that has been silent this long is forgotten.</summary>
    public long ProducerIdleMs { get; init; } = 24L * 3600 * 1000;

    /// <summary>Of a state of this size or larger, checkpoints have what has changed.</summary>
    public int DeltaFromBytes { get; init; } = 4 << 10;

    /// <summary>The whole state is written when a delta would take more of it than this.</summary>
    public long DeltaMostPercent { get; init; } = 50;

    /// <summary>The whole state is written when the deltas since it would take more than this of it.</summary>
    public long DeltaChainPercent { get; init; } = 200;

    /// <summary>Memory for what deltas are made from, 8 bytes for each chunk of a state; of states for which none is left the whole is written.</summary>
    public long DeltaBudgetBytes { get; init; } = 64 << 20;

    /// <summary>What has changed is told by chunks of this length; of longer ones, the fuller that memory is.</summary>
    public int DeltaChunkBytes { get; init; } = 64;

    /// <summary>A block of a run is closed when it has this much.</summary>
    public int RunBlockBytes { get; init; } = 16 << 10;

    /// <summary>About how much of a run is read at once.</summary>
    public int RunWindowBytes { get; init; } = 256 << 10;

    /// <summary>Parts of runs that were read last are kept up to this much.</summary>
    public long RunCacheBytes { get; init; } = 64 << 20;

    /// <summary>So many runs of about one size are merged.</summary>
    public int MergeRuns { get; init; } = 12;

    /// <summary>All runs of a partition are merged when they take more than this many times the room of the largest.</summary>
    public double RunSpaceFactor { get; init; } = 4;

    /// <summary>Events handed to a sink at once.</summary>
    public int SinkBatchEvents { get; init; } = 500;

    /// <summary>Tries before a failing sink counts as parked. It is tried on at the longest interval.</summary>
    public int SinkMaxAttempts { get; init; } = 5;

    public long SinkRetryMs { get; init; } = 100;

    public long SinkMaxRetryMs { get; init; } = 5000;

    /// <summary>Records that only a sink or retention still needs leave the journals after this long.</summary>
    public long ArchiveAfterMs { get; init; } = 10_000;

    /// <summary>About the size of one archive.</summary>
    public long ArchiveRunBytes { get; init; } = 8 << 20;

    /// <summary>How often journals are looked at for segments that nobody needs.</summary>
    public long TrimEveryMs { get; init; } = 5000;
}

using System.ComponentModel.DataAnnotations;

namespace OrleansStreaming;

/// <summary>Options of the embedded engine. Validated when the host starts.</summary>
public sealed class StreamingOptions
{
    /// <summary>Silos in this process, each with its own journal and failing alone. Default 1; about one per core.</summary>
    [Range(1, 64)]
    public int Silos { get; set; } = 1;

    /// <summary>The shortest time between two flushes of a journal. Default zero: flush as soon as the last flush is done.</summary>
    public TimeSpan FlushEvery { get; set; }

    /// <summary>The shortest time between two checkpoints of a partition that has changed. Default 2 s.</summary>
    public TimeSpan CheckpointEvery { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// The share of one core's time, per silo, that checkpoints may take: the more they cost, the further apart they are.
    /// Default 0.05.
    /// </summary>
    [Range(0.001, 1)]
    public double CheckpointOverhead { get; set; } = 0.05;

    /// <summary>
    /// Checkpoints are no further apart than it takes to replay, at the measured speed, what the last one does not cover.
    /// Default 10 s.
    /// </summary>
    public TimeSpan RecoveryTarget { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Records that only a slow sink or retention still needs are moved out of the journals after this long. Default 10 s.</summary>
    public TimeSpan ArchiveAfter { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Memory for records that are being worked on, over all silos, in bytes; up to twice that while a partition repeats its history. The rest stays in the journals. Default 512 MiB.</summary>
    [Range(1 << 20, long.MaxValue)]
    public long MemoryBudgetBytes { get; set; } = 512L << 20;

    /// <summary>How long after a failure a silo starts again. Default 1 s.</summary>
    public TimeSpan RestartDelay { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a graceful stop may take to process, release and checkpoint what is there. Default 30 s.</summary>
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>A request with more bytes is refused with 413. Default 8 MiB.</summary>
    [Range(1024, 32 << 20)]
    public int MaxRequestBytes { get; set; } = 8 << 20;

    /// <summary>How long a request waits: events to become durable, a state to be read. Then it is answered with 504. Default 30 s.</summary>
    public TimeSpan RequestTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Bytes that may wait to become durable, per silo, before ingest is refused with 429. Default 64 MiB.</summary>
    [Range(1 << 16, 1 << 30)]
    public long MaxUnflushedBytes { get; set; } = 64 << 20;

    /// <summary>Bytes that may wait to be processed, per partition, before ingest is refused with 429. Default 128 MiB.</summary>
    [Range(1 << 16, 1L << 40)]
    public long MaxBacklogBytes { get; set; } = 128 << 20;

    /// <summary>External producers that a partition remembers. Default 100,000.</summary>
    [Range(1, 10_000_000)]
    public int MaxProducers { get; set; } = 100_000;

    /// <summary>How long a silent producer is remembered. Default a day.</summary>
    public TimeSpan ProducerIdle { get; set; } = TimeSpan.FromDays(1);
}

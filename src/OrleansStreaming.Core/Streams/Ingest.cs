namespace OrleansStreaming.Core;

/// <summary>Events from outside for one partition; appended together, in one frame, or not at all. Once answered, whoever sent it may use it again.</summary>
internal sealed class IngestBatch
{
    public required int Partition { get; set; }

    /// <summary>
    /// The encoded events, as they will lie in the log: with the producer and their names, without vectors, and without
    /// times: those are when they arrive. Nobody reads them any more when they have been answered.
    /// </summary>
    public required ReadOnlyMemory<byte> Rows { get; set; }

    public required int Count { get; set; }

    /// <summary>UTF-8; empty for an anonymous client.</summary>
    public byte[] Producer { get; set; } = [];

    /// <summary>The client's request number; ordinals count from 0 within the request and partition.</summary>
    public long Sequence { get; set; }

    /// <summary>
    /// For sources: rows carry their positions as names, and the batch is taken only if the partition's last position of this source is this
    /// one, so that a lost batch cannot be skipped. Null for clients.
    /// </summary>
    public long? Previous { get; init; }

    /// <summary>For sources: the position of the last event.</summary>
    public long Last { get; init; }

    /// <summary>Called once, in the loop of the silo that decided.</summary>
    public required Action<IngestResult> Done { get; init; }
}

internal enum IngestStatus
{
    /// <summary>Durable, now or before.</summary>
    Durable,

    /// <summary>This silo does not serve the partition (any more): ask again.</summary>
    NotHere,

    /// <summary>Appended by a silo that stopped before it was known to be durable: see <see cref="IngestResult.Journal"/> and its seal.</summary>
    Unknown,

    /// <summary>Too much waits: come back later.</summary>
    Busy,

    /// <summary>The source must start over after <see cref="IngestResult.Position"/>.</summary>
    OutOfOrder,

    /// <summary>There are too many producers.</summary>
    TooManyProducers,
}

/// <summary>What became of a batch.</summary>
/// <param name="Status">The outcome.</param>
/// <param name="Appended">Events that were new.</param>
/// <param name="Position">The source's last position in the partition, for <see cref="IngestStatus.OutOfOrder"/>.</param>
/// <param name="Journal">Where an unknown one was appended.</param>
/// <param name="Lsn">Its LSN.</param>
internal readonly record struct IngestResult(IngestStatus Status, int Appended = 0, long Position = -1, int Journal = -1, long Lsn = 0);

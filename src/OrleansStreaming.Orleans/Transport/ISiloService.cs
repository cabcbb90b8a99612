using Orleans.Services;

namespace OrleansStreaming.Clustering;

/// <summary>What silos of a cluster ask each other. Addressed to one silo; all arguments are bytes of the codecs here; those that are long, in memory that is lent.</summary>
[Alias("OrleansStreaming.ISiloService")]
internal interface ISiloService : IGrainService
{
    /// <summary>Takes messages of the protocol, in order. May be called while an earlier call runs.</summary>
    [Alias("Deliver")]
    Task DeliverAsync(int toJournal, WireBytes messages);

    /// <summary>Takes events; answers when each batch is durable or refused.</summary>
    [Alias("Ingest")]
    Task<byte[]> IngestAsync(WireBytes batches);

    /// <summary>Reads the state of a grain that this silo serves.</summary>
    [Alias("Read")]
    Task<byte[]> ReadAsync(int operatorId, int partition, byte[] key, bool stable);

    /// <summary>The keys of an operator's grains in a partition; null when it is served elsewhere.</summary>
    [Alias("Keys")]
    Task<byte[]?> KeysAsync(int operatorId, int partition);

    /// <summary>What this silo is doing, as JSON.</summary>
    [Alias("Report")]
    Task<byte[]> ReportAsync();

    /// <summary>Something has changed that storage or membership will tell of later anyway.</summary>
    [Alias("Notify")]
    Task NotifyAsync(SiloNotice notice, string host, int journal);
}

/// <summary>What silos tell each other so that nobody has to wait for the next look at storage. All of it may be lost.</summary>
internal enum SiloNotice
{
    /// <summary>A journal has been registered.</summary>
    Joined,

    /// <summary>The writer of a journal is gone, though its process lives.</summary>
    Ended,

    /// <summary>The process wants no partitions any more: it is about to stop.</summary>
    Leaving,

    /// <summary>A process that leaves gives its partitions to those that stay, and claims none.</summary>
    HandingOver,

    /// <summary>A process that leaves has come to <see cref="OrleansStreaming.Core.StopStage.Quiet"/>.</summary>
    Quiet,

    /// <summary>A process that leaves has come to <see cref="OrleansStreaming.Core.StopStage.Resting"/>.</summary>
    Resting,
}

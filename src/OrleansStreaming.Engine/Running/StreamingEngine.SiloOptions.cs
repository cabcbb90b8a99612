using OrleansStreaming.Core;

namespace OrleansStreaming;

/// <summary>What the options of the engine come to for one silo.</summary>
public sealed partial class StreamingEngine
{
    internal SiloOptions SiloOptions() => Tune(new SiloOptions
    {
        Deployment = Deployment,
        Host = _cluster.Host,
        RetiredPartitions = _retiredPartitions,
        Blocking = Watchdog.Blocking,
        FlushEveryMs = (long)Math.Max(Options.FlushEvery.TotalMilliseconds, Storage.AppendEvery.TotalMilliseconds),
        CheckpointEveryMs = (long)Options.CheckpointEvery.TotalMilliseconds,
        CheckpointOverhead = Options.CheckpointOverhead,
        RecoveryTargetMs = Math.Max(1, (long)Options.RecoveryTarget.TotalMilliseconds),
        MemoryBudgetBytes = Math.Max(1 << 20, Options.MemoryBudgetBytes / _cluster.LocalSilos.Count),
        ArchiveAfterMs = (long)Options.ArchiveAfter.TotalMilliseconds,
        MaxUnflushedBytes = Options.MaxUnflushedBytes,
        MaxBacklogBytes = Options.MaxBacklogBytes,
        MaxProducers = Options.MaxProducers,
        ProducerIdleMs = (long)Options.ProducerIdle.TotalMilliseconds,
    });
}

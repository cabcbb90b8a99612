using OrleansStreaming.Core;

namespace OrleansStreaming.Engine;

/// <summary>
/// The silos of a deployment, wherever they run: who lives, and the way to each. It hands every silo of this process a
/// <see cref="MembershipView"/> whenever something changes. Thread-safe; one per engine.
/// </summary>
internal interface ICluster : IAsyncDisposable
{
    /// <summary>The names of the silos that this process runs.</summary>
    IReadOnlyList<string> LocalSilos { get; }

    /// <summary>Noted with every journal that this process writes, so that others can tell whether its writer lives; null where there is but one process.</summary>
    string? Host { get; }

    /// <summary>Whether there can be silos in other processes.</summary>
    bool HasOthers { get; }

    /// <summary>Completes at the next change of who takes part, or of what belongs here.</summary>
    Task Changed { get; }

    /// <summary>The cluster's grains, in which operators with a grain per key run their turns; null where there are none.</summary>
    IGrainHosting? Grains => null;

    /// <summary>What other processes report; those that do not answer in time are left out.</summary>
    Task<IReadOnlyList<EngineReport>> AskOthersAsync();

    /// <summary>Begins, before the first silo of this process starts.</summary>
    /// <param name="engine">The engine of this process.</param>
    /// <param name="record">The journals that there are: those whose writers are gone are to be sealed.</param>
    /// <param name="cancellationToken">Gives up.</param>
    ValueTask StartAsync(StreamingEngine engine, ClusterRecord record, CancellationToken cancellationToken);

    /// <summary>Whether a source is to be read in this process: it is read in one at a time, more or less.</summary>
    bool Reads(string source);

    /// <summary>This process begins to stop: it wants no partitions any more. True when others take them over, false when all stop together.</summary>
    ValueTask<bool> LeaveAsync(CancellationToken cancellationToken);

    /// <summary>This process has come to a stage of stopping; waits until all that stop with it have, too.</summary>
    ValueTask MeetAsync(StopStage stage, CancellationToken cancellationToken);

    /// <summary>An incarnation of a silo of this process takes part.</summary>
    void Joined(SiloIncarnation incarnation, int journal);

    /// <summary>An incarnation is over: its journal is to be sealed, its partitions to be taken over.</summary>
    void Ended(SiloIncarnation incarnation);

    /// <summary>A silo of this process has read the record of journals, which had changed.</summary>
    void RecordRead(ClusterRecord record);

    /// <summary>The way to the silo that writes a journal; null when it is gone or not known.</summary>
    ISiloLink? Find(int journal);
}

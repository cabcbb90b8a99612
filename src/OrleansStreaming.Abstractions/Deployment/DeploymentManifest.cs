namespace OrleansStreaming.Topologies;

/// <summary>
/// What a deployment remembers about its topology, so that a later start finds its data under the same ids and never reads
/// it as something else. Immutable; <see cref="Merge"/> makes the next one.
/// </summary>
internal sealed partial class DeploymentManifest
{
    /// <summary>The newest format that this version reads, and the one that it writes.</summary>
    public const int CurrentFormat = 1;

    private DeploymentManifest(string deployment, string keyHash, NextIds next, IReadOnlyList<StreamEntry> streams, IReadOnlyList<OperatorEntry> operators, IReadOnlyList<SinkEntry> sinks)
    {
        Deployment = deployment;
        KeyHashName = keyHash;
        NextIds = next;
        Streams = streams;
        Operators = operators;
        Sinks = sinks;
    }

    /// <summary>Tells this deployment from others; chosen once, empty when nobody chose.</summary>
    public string Deployment { get; }

    public string KeyHashName { get; }

    public NextIds NextIds { get; }

    public IReadOnlyList<StreamEntry> Streams { get; }

    public IReadOnlyList<OperatorEntry> Operators { get; }

    public IReadOnlyList<SinkEntry> Sinks { get; }

    /// <summary>The manifest of a first start. Gives the definitions of the topology their ids, from 1.</summary>
    /// <param name="topology">The topology.</param>
    /// <param name="deployment">Something unique, for what lies outside: see <see cref="SinkPartition.Deployment"/>.</param>
    public static DeploymentManifest Create(Topology topology, string deployment = "") =>
        new DeploymentManifest(deployment, KeyHash.Name, new NextIds(1, 1, 1), [], [], []).Merge(topology, out _);

    /// <summary>
    /// Compares a topology with what is stored and gives its definitions their ids and its event types their indexes.
    /// </summary>
    /// <param name="topology">Left as it is when this throws.</param>
    /// <param name="changes">What is new, gone or back, for the log.</param>
    /// <returns>The manifest to store instead of this one, before anything is stored under a new id.</returns>
    /// <exception cref="DeploymentMismatchException">Lists every difference that would make stored data unreadable or wrong.</exception>
    public DeploymentManifest Merge(Topology topology, out IReadOnlyList<string> changes)
    {
        DeploymentMerge merge = new(this, topology);
        (NextIds next, IReadOnlyList<StreamEntry> streams, IReadOnlyList<OperatorEntry> operators, IReadOnlyList<SinkEntry> sinks) = merge.Run();
        changes = merge.Changes;
        return new DeploymentManifest(Deployment, KeyHashName, next, streams, operators, sinks);
    }
}

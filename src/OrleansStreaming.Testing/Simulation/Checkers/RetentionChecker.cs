using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>
/// I7: nothing still needed for recovery is deleted. What recovery starts from is whole: a checkpoint is committed only when
/// it was copied and every output of what it covers is durable where it went, and a grain comes back only from such a one.
/// </summary>
internal sealed class RetentionChecker(Oracle oracle) : Checker(oracle, "I7")
{
    /// <summary>Log events that must never be seen in a silo that is not superseded: ids as in docs/operations.md.</summary>
    private const int ReadFailed = 1013;
    private const int OpenFailed = 1031;
    private const int SinkLostPosition = 1053;

    public void NeverCopied(SimulatedSilo silo, OperatorHost host, long position) =>
        Fail($"{silo.Label}: a grain of {host.Type.Definition.Name} commits {new Offset(position)}, which was never copied");

    public void NoCheckpoint(SimulatedSilo silo, OperatorHost host, long position) =>
        Fail($"{silo.Label}: a grain of {host.Type.Definition.Name} came back at {new Offset(position)}, of which there is no checkpoint");

    /// <summary>The outputs of all versions that a checkpoint covers are durable where they went.</summary>
    public void CheckOutputsStored(SimulatedSilo silo, OperatorHost host, int key, IReadOnlyList<GrainVersion> path)
    {
        foreach (GrainVersion version in path)
        {
            foreach (ReferenceOutput output in version.OutputsChecked ? [] : version.Outputs)
            {
                bool there = Oracle.OfOutput(output.Partition, host.Id, key, output.Name).Any(r => Oracle.Stored.Contains(r.Id) && Oracle.LostAtAll(r.Dependencies) < 0);
                if (!there)
                {
                    Fail($"{silo.Label}: {host.Type.Definition.Name}/{Oracle.Keys.Text(key)} commits {new Offset(path[^1].Position)}, but its output {output.Name} is not durable in {World.PartitionName(output.Partition)}");
                }
            }

            version.OutputsChecked = true;
        }
    }

    /// <summary>A silo has written to its log.</summary>
    public void Logged(SimulatedSilo silo, int eventId, Exception? error, Func<string> text)
    {
        // One that is taken for dead may find that others have deleted what it would still read, and storage damages what is
        // read now and then.
        bool stale = silo.DeclaredDead || !silo.Runs || (error is CorruptDataException { File: { } file } && World.Damaged.Contains(file));
        bool missing = error is CorruptDataException && (eventId == OpenFailed || (eventId == ReadFailed && error.Message.Contains("still needed", StringComparison.Ordinal)));
        if (!stale && (missing || eventId == SinkLostPosition))
        {
            Fail($"{silo.Label}: {text()}: {error?.Message}");
        }
    }
}

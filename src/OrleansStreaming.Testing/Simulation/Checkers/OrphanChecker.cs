using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>
/// I5: the live grains rolled back, the records voided and the sends purged are exactly those that depended on a lost
/// record. Judged by the full graph of what stems from what, of which the silos know nothing.
/// </summary>
internal sealed class OrphanChecker(Oracle oracle) : Checker(oracle, "I5")
{
    /// <summary>A record is appended: nothing that it stems from is lost, as far as its silo knows.</summary>
    public void Appended(SimulatedSilo silo, OracleRecord record)
    {
        if (Lost(silo, record.Dependencies) is { } lost)
        {
            Fail($"{silo.Label} took {record}, which depends on lost {lost}");
        }
    }

    /// <summary>A record is handed to a grain.</summary>
    public void Consumed(SimulatedSilo silo, OracleRecord record)
    {
        if (Lost(silo, record.Dependencies) is { } lost)
        {
            Fail($"{silo.Label} delivered void {record}, which depends on lost {lost}");
        }
    }

    /// <summary>An output is dropped on arrival.</summary>
    public void Dropped(SimulatedSilo silo, int fromJournal, RecordSet dependencies)
    {
        if (Lost(silo, dependencies) is null)
        {
            Fail($"{silo.Label} dropped an output of J{fromJournal} as an orphan, but it depends on nothing lost");
        }
    }

    /// <summary>The void rows of a block are those that depend on lost records.</summary>
    public void CheckVoid(SimulatedSilo silo, LogBlock block)
    {
        if (block is { Buffer: null, ArchivedIn: not null })
        {
            return; // Which of its rows are void is found, and checked, when they are read.
        }

        for (long offset = block.First.Value; offset <= block.LastOffset; offset++)
        {
            if (Oracle.Find(block.Partition, offset) is not { } record)
            {
                Oracle.Seals.Unknown(silo, block.Partition, offset);
                return;
            }

            OracleRecord? lost = Lost(silo, record.Dependencies);
            if (block.IsVoid(record.Slot) != lost is not null)
            {
                Fail(lost is null
                    ? $"{silo.Label} takes {record} for void, but it depends on nothing lost"
                    : $"{silo.Label} does not take {record} for void, but it depends on lost {lost}");
            }
        }
    }

    /// <summary>Sends are purged when they depend on lost records, and only then.</summary>
    public void CheckSend(SimulatedSilo silo, RecordSet dependencies, bool isVoid)
    {
        OracleRecord? lost = Lost(silo, dependencies);
        if (isVoid != lost is not null)
        {
            Fail(lost is null ? $"{silo.Label} purged a send that depends on nothing lost" : $"{silo.Label} keeps a send that depends on lost {lost}");
        }

        World.Totals.SendsPurged += isVoid ? 1 : 0;
    }

    /// <summary>A grain is about to go back.</summary>
    public void RolledBack(SimulatedSilo silo, OperatorHost host, Grain grain, GrainVersion version, Dependency cause)
    {
        bool needed = Lost(silo, version.Dependencies) is not null
            || (grain.Turn is { } turn && Oracle.Find(host.Partition.Id, turn.Offset) is { } record && Lost(silo, record.Dependencies) is not null);
        if (!needed)
        {
            Fail($"{silo.Label}: a grain of {host.Type.Definition.Name} at {new Offset(grain.Position)} is rolled back for {cause}, but depends on nothing lost");
        }
    }

    /// <summary>A seal has been applied: no grain that is left depends on what is lost.</summary>
    public void CheckGrain(SimulatedSilo silo, OperatorHost host, Grain grain, GrainVersion version)
    {
        if (Lost(silo, version.Dependencies) is { } lost)
        {
            Fail($"{silo.Label}: a grain of {host.Type.Definition.Name} at {new Offset(grain.Position)} was not rolled back, but depends on lost {lost}");
        }
    }

    /// <summary>A grain has come back to a version.</summary>
    public void Restored(SimulatedSilo silo, OperatorHost host, GrainVersion version)
    {
        if (Lost(silo, version.Dependencies) is { } lost)
        {
            Fail($"{silo.Label}: a grain of {host.Type.Definition.Name} came back at {new Offset(version.Position)}, which depends on lost {lost}");
        }
    }

    private OracleRecord? Lost(SimulatedSilo silo, RecordSet dependencies) => Oracle.LostIn(silo, dependencies) is int lost and >= 0 ? Oracle.Records[lost] : null;
}

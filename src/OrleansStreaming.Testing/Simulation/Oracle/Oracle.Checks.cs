using System.Text.Json;
using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Testing.Simulation;

/// <content>Checks on the way.</content>
internal sealed partial class Oracle
{
    /// <summary>I2: all that a set holds is in storage, so that no seal can lose it.</summary>
    public void CheckStable(SimulatedSilo silo, RecordSet dependencies, string what)
    {
        if (dependencies.Without(_stored) is int missing and >= 0)
        {
            world.Fail("I2", $"{silo.Label}: {what}, but depends on {_records[missing]}, which is not in storage");
        }
    }

    /// <summary>I2: what was released depends on nothing that a seal has lost since.</summary>
    public void CheckReleased()
    {
        if (LostAtAll(Released) is int lost and >= 0)
        {
            world.Fail("I2", $"something was released that depends on lost {_records[lost]}");
        }
    }

    /// <summary>I5: the void rows of a block are those that depend on lost records.</summary>
    public void CheckVoid(SimulatedSilo silo, LogBlock block)
    {
        if (block is { Buffer: null, ArchivedIn: not null })
        {
            return; // Which of its rows are void is found, and checked, when they are read.
        }

        for (long offset = block.First.Value; offset <= block.LastOffset; offset++)
        {
            if (Find(block.Partition, offset) is not { } record)
            {
                world.Fail("I6", $"{silo.Label} holds {new Offset(offset)} of partition {block.Partition}, which nobody appended");
                return;
            }

            int lost = LostIn(silo, record.Dependencies);
            bool isVoid = block.IsVoid(record.Slot);
            if (isVoid != lost >= 0)
            {
                world.Fail("I5", isVoid
                    ? $"{silo.Label} takes {record} for void, but it depends on nothing lost"
                    : $"{silo.Label} does not take {record} for void, but it depends on lost {_records[lost]}");
            }
        }
    }

    /// <summary>I3: no second record of a name, as far as the owner can know.</summary>
    private void CheckNew(SimulatedSilo silo, OracleRecord record)
    {
        IEnumerable<OracleRecord> same = record.Producer switch
        {
            ProducerKind.Grain => _outputs[(record.Partition, record.Operator, record.ProducerKey, record.Name)],
            ProducerKind.Self => _byKey[(record.Partition, record.Key)].Where(r => r.Producer == ProducerKind.Self && r.Kind == record.Kind && r.Operator == record.Operator && r.Name == record.Name),
            _ => _byEvent[Model.Event(record).Id],
        };
        foreach (OracleRecord other in same)
        {
            // What a later owner has is nothing to one that does not know of it: what it appends is lost.
            if (other.Offset < record.Offset && LostIn(silo, other.Dependencies) < 0)
            {
                world.Fail("I3", $"{silo.Label} took {record}, which repeats {other}");
            }
        }
    }

    /// <summary>I3: what a client is told to be durable is.</summary>
    public void CheckDurable(PendingIngest pending)
    {
        foreach (SimulatedEvent @event in pending.Events)
        {
            if (!_byEvent.TryGetValue(@event.Id, out List<OracleRecord>? records) || !records.Exists(r => _stored.Contains(r.Id)))
            {
                world.Fail("I3", $"{pending.Producer.Id} was told that {@event.Id:x} is durable, but it is not in storage");
            }
        }
    }

    /// <summary>A checkpoint is committed only when the outputs of all that it covers are durable where they went.</summary>
    public void CheckOutputsStored(SimulatedSilo silo, OperatorHost host, Grain grain, List<GrainVersion> path)
    {
        string key = Convert.ToHexString(grain.Key);
        foreach (GrainVersion version in path)
        {
            foreach (OracleOutput output in version.OutputsChecked ? [] : version.Outputs)
            {
                bool there = _outputs.TryGetValue((output.Partition, host.Id, key, output.Name), out List<OracleRecord>? records)
                    && records.Exists(r => _stored.Contains(r.Id) && LostAtAll(r.Dependencies) < 0);
                if (!there)
                {
                    world.Fail("I7", $"{silo.Label}: {host.Type.Definition.Name}/{key} commits {new Offset(path[^1].Position)}, but its output {output.Name} is not durable in {world.PartitionName(output.Partition)}");
                }
            }

            version.OutputsChecked = true;
        }
    }

    /// <summary>A read is answered. Returns the hash of the state.</summary>
    public ulong Answered(SimulatedSilo silo, OperatorDefinition op, int partition, byte[] key, bool stable, StateAnswer answer)
    {
        if (answer.Kind != StateAnswerKind.Found)
        {
            return 0;
        }

        using JsonDocument json = JsonDocument.Parse(answer.Json);
        ulong hash = json.RootElement.GetProperty("hash").GetUInt64();
        if (hash == 0)
        {
            return 0; // It has only left events out.
        }

        if (!_versions.TryGetValue((partition, op.Id, Convert.ToHexString(key), hash), out List<RecordSet>? versions))
        {
            world.Fail("I4", $"{silo.Label} answers a read of {op.Name}/{Convert.ToHexString(key)} at {answer.Offset} with a state that never was");
        }
        else if (stable && versions.TrueForAll(v => v.Without(_stored) >= 0))
        {
            world.Fail("I2", $"{silo.Label} answers a stable read of {op.Name}/{Convert.ToHexString(key)} at {answer.Offset} with what depends on {_records[versions[^1].Without(_stored)]}, which is not in storage");
        }

        return hash;
    }
}

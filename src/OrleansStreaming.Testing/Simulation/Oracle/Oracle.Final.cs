using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Testing.Simulation;

/// <content>Checks when everything has come to rest.</content>
internal sealed partial class Oracle
{
    private Dictionary<(int Operator, string Key), GrainVersion>? _final;

    public IEnumerable<int> Unowned()
    {
        foreach (StreamDefinition stream in world.Scenario.Topology.Streams)
        {
            for (int i = 0; i < stream.PartitionCount; i++)
            {
                int id = PartitionId.Of(stream, i);
                if (!world.Silos.Any(s => s is { Runs: true, DeclaredDead: false } && s.Silo.Ownerships.Find(id) is { Closed: false }))
                {
                    yield return id;
                }
            }
        }
    }

    public bool PartitionsWithoutOwner() => Unowned().Any();

    public bool AnythingBehind() => Behind().Any();

    /// <summary>Grains and sinks that have not come to the end of what they read.</summary>
    public IEnumerable<string> Behind()
    {
        foreach (SimulatedSilo silo in world.Silos)
        {
            if (!silo.Runs || silo.DeclaredDead)
            {
                continue;
            }

            foreach (Partition partition in silo.Silo.Ownerships.Active)
            {
                foreach (OperatorHost host in partition.Hosts)
                {
                    var behind = new List<string>();
                    host.Grains.Sweep(0, int.MaxValue, grain =>
                    {
                        bool waits = grain.Phase is GrainPhase.Loading or GrainPhase.BackingOff || grain.Behind || grain.Turn is not null
                            || grain.Mailbox is { Count: > 0 } || grain.Pending is { Count: > 0 };
                        if (waits)
                        {
                            behind.Add($"{silo.Label}: {host.Type.Definition.Name}/{Convert.ToHexString(grain.Key)} of {partition.Name} at {new Offset(grain.Position)} is {grain.Phase}{(grain.Behind ? ", behind" : "")}, waits for {string.Join(' ', grain.Pending ?? [])}");
                        }
                    });
                    foreach (string one in behind)
                    {
                        yield return one;
                    }
                }

                foreach (SinkRunner sink in partition.Sinks)
                {
                    if (sink.HasWork || sink.Phase != SinkPhase.Ready)
                    {
                        yield return $"{silo.Label}: sink {sink.Definition.Name} of {partition.Name} is {sink.Phase} at {new Offset(sink.Position)}: {sink.LastError?.Message}";
                    }
                }
            }
        }
    }

    public void Count()
    {
        world.Totals.Records += _records.Count;
        world.Totals.Void += _records.Count(r => LostAtAll(r.Dependencies) >= 0);
        world.Totals.Calls += _records.Count(r => r.Kind == RecordKind.CallResult);
    }

    /// <summary>Everything at rest, against a plain fold over what is in the streams.</summary>
    public void CheckAtEnd()
    {
        CheckReleased();
        List<OracleRecord> standing = [.. _records.Where(r => LostAtAll(r.Dependencies) < 0).OrderBy(r => r.Partition).ThenBy(r => r.Offset)];
        CheckNames(standing);
        CheckIngested(standing);
        CheckOutputs(standing);
        CheckSinks(standing);
    }

    public void CheckFinalState(OperatorDefinition op, long key, StateAnswerKind kind, ulong hash)
    {
        _final ??= Fold([.. _records.Where(r => LostAtAll(r.Dependencies) < 0).OrderBy(r => r.Partition).ThenBy(r => r.Offset)], out _);
        byte[] bytes = new byte[8];
        KeyCodec.Write(key, bytes);
        ulong expected = _final.TryGetValue((op.Id, Convert.ToHexString(bytes)), out GrainVersion? version) ? version.State.Hash : 0;
        if (hash != expected)
        {
            world.Fail("I4", $"{op.Name}/{key} is {kind} with {hash:x}, but what it read folds to {expected:x}");
        }
    }

    private void CheckNames(List<OracleRecord> standing)
    {
        var names = new Dictionary<(int, ProducerKind, RecordKind, int, string, RecordName), OracleRecord>();
        foreach (OracleRecord record in standing)
        {
            if (record.Producer == ProducerKind.None)
            {
                continue;
            }

            var name = (record.Partition, record.Producer, record.Kind, record.Operator, record.ProducerKey, record.Name);
            if (!names.TryAdd(name, record))
            {
                world.Fail("I3", $"{names[name]} and {record} have the same name");
            }
        }
    }

    private void CheckIngested(List<OracleRecord> standing)
    {
        Dictionary<ulong, int> counts = standing.Where(r => r.Kind == RecordKind.Event && r.Producer is ProducerKind.None or ProducerKind.External)
            .GroupBy(r => Model.Event(r).Id).ToDictionary(g => g.Key, g => g.Count());
        foreach ((ulong id, (int partition, bool acknowledged)) in _ingested)
        {
            int count = counts.GetValueOrDefault(id);
            if (count > 1 || (acknowledged && count == 0))
            {
                world.Fail("I3", $"{id:x} of {world.PartitionName(partition)} was {(acknowledged ? "acknowledged" : "sent")} and is there {count} times");
            }
        }
    }

    private void CheckOutputs(List<OracleRecord> standing)
    {
        _final = Fold(standing, out Dictionary<(int Partition, int Operator, string Key), List<OracleOutput>> expected);
        if (world.Failure is not null)
        {
            return;
        }

        foreach (((int op, string key), GrainVersion version) in _final)
        {
            if (version.Pending.Count > 0)
            {
                world.Fail("I8", $"op{op}/{key} still waits for {string.Join(' ', version.Pending)}");
            }
        }

        var actual = new Dictionary<(int Partition, int Operator, string Key), List<OracleRecord>>();
        foreach (OracleRecord record in standing.Where(r => r.Producer == ProducerKind.Grain))
        {
            ListOf(actual, (record.Partition, record.Operator, record.ProducerKey)).Add(record);
        }

        foreach ((var of, List<OracleOutput> outputs) in expected)
        {
            List<OracleRecord> records = actual.GetValueOrDefault(of) ?? [];
            for (int i = 0; i < Math.Max(outputs.Count, records.Count); i++)
            {
                OracleOutput? wanted = i < outputs.Count ? outputs[i] : null;
                OracleRecord? found = i < records.Count ? records[i] : null;
                bool same = wanted is { } output && found is not null && output.Name == found.Name && output.Key == found.Key
                    && (output.Id == 0 || output.Id == Model.Event(found).Id);
                if (!same)
                {
                    world.Fail("I9", $"output {i} of op{of.Operator}/{of.Key} in {world.PartitionName(of.Partition)} should be {wanted?.Name.ToString() ?? "none"}, but is {found?.ToString() ?? "missing"}");
                    return;
                }
            }
        }

        foreach ((var of, List<OracleRecord> records) in actual)
        {
            if (!expected.ContainsKey(of))
            {
                world.Fail("I9", $"{records[0]} of {world.PartitionName(of.Partition)} should not be");
            }
        }
    }

    /// <summary>What all grains are after all standing records, and what they have sent, in order.</summary>
    private Dictionary<(int Operator, string Key), GrainVersion> Fold(
        List<OracleRecord> standing, out Dictionary<(int Partition, int Operator, string Key), List<OracleOutput>> sent)
    {
        var versions = new Dictionary<(int, string), GrainVersion>();
        sent = [];
        var decisions = new Dictionary<(int Partition, int Operator, string Key, long Offset), OracleRecord>();
        foreach (OracleRecord record in standing.Where(r => r.Kind == RecordKind.Decision))
        {
            decisions.TryAdd((record.Partition, record.Operator, record.Key, record.Name.Input), record);
        }

        foreach (OracleRecord record in standing)
        {
            foreach (OperatorDefinition op in world.Scenario.Topology.Operators)
            {
                if (op.From.Id != PartitionId.StreamId(record.Partition) || (record.Kind != RecordKind.Event && record.Operator != op.Id))
                {
                    continue;
                }

                GrainVersion before = versions.GetValueOrDefault((op.Id, record.Key)) ?? GrainVersion.Initial;
                GrainVersion after;
                if (record.Kind == RecordKind.Event)
                {
                    if (decisions.TryGetValue((record.Partition, op.Id, record.Key, record.Offset), out OracleRecord? decision))
                    {
                        after = Model.LeaveOut(op, before, record, decision);
                    }
                    else if (Model.Find(op) is { } simulated && SimulatedLogic.AlwaysThrows(simulated, Model.Event(record).Id))
                    {
                        world.Fail("I4", $"{op.Name} cannot have taken {record}, as it throws, but there is no decision");
                        return versions;
                    }
                    else
                    {
                        after = Model.Turn(op, before, record);
                    }
                }
                else if (record.Kind != RecordKind.Decision && before.Pending.FirstOrDefault(p => p.Kind == record.Kind && p.Name == record.Name) is { } request)
                {
                    if (record.Kind == RecordKind.Timer && record.Time < request.Due)
                    {
                        world.Fail("I4", $"{record} fired at {record.Time}, before it was due at {request.Due}");
                    }

                    after = Model.Turn(op, before, record);
                }
                else
                {
                    after = GrainModel.Pass(before, record);
                }

                versions[(op.Id, record.Key)] = after;
                foreach (OracleOutput output in after.Outputs)
                {
                    ListOf(sent, (output.Partition, op.Id, record.Key)).Add(output);
                }
            }
        }

        return versions;
    }

    private void CheckSinks(List<OracleRecord> standing)
    {
        foreach (SinkDefinition definition in world.Scenario.Topology.Sinks)
        {
            SimulatedSink sink = world.Sinks[definition.Name];
            for (int i = 0; i < definition.From.PartitionCount; i++)
            {
                int partition = PartitionId.Of(definition.From, i);
                List<OracleRecord> wanted = [.. standing.Where(r => r.Partition == partition && r.Kind == RecordKind.Event)];
                SimulatedSink.Content content = sink.Of(definition.From.Name, i);
                if (sink.Idempotent)
                {
                    var ids = wanted.Select(r => Model.Event(r).Id).ToHashSet();
                    foreach (ulong id in content.ByName.Values)
                    {
                        if (!ids.Remove(id))
                        {
                            world.Fail("I9", $"{sink.Name}-{i} holds {id:x}, which is not in the stream, or twice");
                            return;
                        }
                    }

                    if (ids.Count > 0)
                    {
                        world.Fail("I9", $"{sink.Name}-{i} lacks {ids.Count} of {wanted.Count} events");
                    }

                    continue;
                }

                for (int row = 0; row < Math.Max(wanted.Count, content.Rows.Count); row++)
                {
                    OracleRecord? record = row < wanted.Count ? wanted[row] : null;
                    (long Offset, string Name, ulong Id)? found = row < content.Rows.Count ? content.Rows[row] : null;
                    if (record is null || found is null || record.Offset != found.Value.Offset || Model.Event(record).Id != found.Value.Id)
                    {
                        world.Fail("I9", $"row {row} of {sink.Name}-{i} should be {record?.ToString() ?? "none"}, but is {(found is { } f ? $"{new Offset(f.Offset)} {f.Name}" : "missing")}");
                        return;
                    }
                }
            }
        }
    }
}

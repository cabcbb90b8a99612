using System.Runtime.CompilerServices;
using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>Watches one silo incarnation for the oracle.</summary>
internal sealed class OracleProbe(Oracle oracle, SimulatedSilo silo) : SiloProbe
{
    private readonly Dictionary<OperatorHost, Dictionary<string, History>> _grains = [];
    private readonly Dictionary<LogBlock, List<(RecordSet Dependencies, int Slot)>> _sends = [];
    private readonly Dictionary<DataMessage, LogBlock> _messages = new(ReferenceEqualityComparer.Instance);
    private RecordSet? _origin;

    /// <summary>What the next record appended by a grain of another silo or of this one depends on.</summary>
    private RecordSet Origin => _origin ?? new RecordSet();

    public override void Appended(Partition partition, LogBlock block, in Row row, CausalityVector? vector)
    {
        RecordSet? from = row.Producer switch
        {
            ProducerKind.Grain or ProducerKind.Self => Origin,
            _ => null,
        };
        if (row.Kind == RecordKind.Decision && oracle.Find(partition.Id, row.Name.Input) is { } decided)
        {
            from = RecordSet.Union(from, decided.Dependencies);
        }

        oracle.Appended(silo, partition, block, in row, from, vector);
    }

    public override void WritingSelf(Partition partition, int operatorId, Grain grain) =>
        _origin = Of(partition.HostOf(operatorId)!, grain).Current(grain.Position, silo, oracle).Dependencies;

    public override void Sending(LogBlock waiting, in Row row)
    {
        if (!_sends.TryGetValue(waiting, out List<(RecordSet, int)>? rows))
        {
            _sends.Add(waiting, rows = []);
        }

        rows.Add((Origin, row.Slot));
    }

    public override void Transmitting(DataMessage message, LogBlock waiting) => oracle.Messages[message] = (this, waiting);

    public override void Receiving(DataMessage message, int index)
    {
        (OracleProbe sender, LogBlock waiting) = oracle.Messages[message];
        _origin = sender._sends[waiting][index].Dependencies;
    }

    public override void TakingBack(LogBlock waiting, int index) => _origin = _sends[waiting][index].Dependencies;

    public override void Dropped(int fromJournal, in Row row)
    {
        if (oracle.LostIn(silo, Origin) < 0)
        {
            oracle.World.Fail("I5", $"{silo.Label} dropped an output of J{fromJournal} as an orphan, but it depends on nothing lost");
        }
    }

    public override void Refreshed(LogBlock block)
    {
        if (!_sends.TryGetValue(block, out List<(RecordSet Dependencies, int Slot)>? rows))
        {
            oracle.CheckVoid(silo, block);
            return;
        }

        for (int i = 0; i < rows.Count; i++)
        {
            int lost = oracle.LostIn(silo, rows[i].Dependencies);
            bool isVoid = block.IsVoid(rows[i].Slot);
            if (isVoid != lost >= 0)
            {
                oracle.World.Fail("I5", isVoid
                    ? $"{silo.Label} purged a send that depends on nothing lost"
                    : $"{silo.Label} keeps a send that depends on lost {oracle.Record(lost)}");
            }

            oracle.World.Totals.SendsPurged += isVoid ? 1 : 0;
        }
    }

    public override void Consumed(OperatorHost host, Grain grain, long offset, bool flagged)
    {
        History history = Of(host, grain);
        GrainVersion before = history.Last;
        if (Next(host, grain, before, offset) is not { } record)
        {
            return;
        }

        if (oracle.LostIn(silo, record.Dependencies) is int lost and >= 0)
        {
            oracle.World.Fail("I5", $"{silo.Label}: {Name(host, grain)} consumed void {record}, which depends on {oracle.Record(lost)}");
        }

        if (host.Partition.Stream.Strict)
        {
            oracle.CheckStable(silo, record.Dependencies, $"{Name(host, grain)} was given {record} of a strict stream");
        }

        if (record.Kind is RecordKind.Timer or RecordKind.CallResult && !before.Pending.Any(p => p.Kind == record.Kind && p.Name == record.Name))
        {
            oracle.World.Fail("I4", $"{silo.Label}: {Name(host, grain)} took {record}, for which it does not wait");
            return;
        }

        GrainVersion after = oracle.Model.Turn(host.Type.Definition, before, record);
        history.Add(after);
        oracle.Remember(host, grain, after);
        oracle.World.Trace($"{silo.Label} {Name(host, grain)} took {record}{(flagged ? " again" : "")}, {after.Outputs.Count} outputs");
        CheckState(host, grain, after, "after a turn");
        _origin = after.Dependencies;
    }

    public override void LeftOut(OperatorHost host, Grain grain, long offset, bool flagged)
    {
        History history = Of(host, grain);
        GrainVersion before = history.Last;
        if (Next(host, grain, before, offset) is not { } record)
        {
            return;
        }

        List<OracleRecord> decisions = oracle.Decisions(silo, host.Partition, record, host.Id);
        if (decisions.Count != 1)
        {
            oracle.World.Fail("I4", $"{silo.Label}: {Name(host, grain)} left {record} out, for which there are {decisions.Count} decisions");
            return;
        }

        GrainVersion after = oracle.Model.LeaveOut(host.Type.Definition, before, record, decisions[0]);
        history.Add(after);
        oracle.Remember(host, grain, after);
        CheckState(host, grain, after, "after an event that it left out");
        _origin = after.Dependencies;
    }

    public override void Passed(OperatorHost host, Grain grain, long offset)
    {
        History history = Of(host, grain);
        GrainVersion before = history.Last;
        if (Next(host, grain, before, offset) is not { } record)
        {
            return;
        }

        bool awaited = record.Kind != RecordKind.Decision && before.Pending.Any(p => p.Kind == record.Kind && p.Name == record.Name);
        if (record.Kind == RecordKind.Event || awaited)
        {
            oracle.World.Fail("I4", $"{silo.Label}: {Name(host, grain)} passed over {record}");
            return;
        }

        GrainVersion after = GrainModel.Pass(before, record);
        history.Add(after);
        oracle.Remember(host, grain, after);
    }

    public override void GoingBack(OperatorHost host, Grain grain)
    {
        Of(host, grain).Away = true;
        oracle.World.Totals.Undone++;
    }

    public override void Restored(OperatorHost host, Grain grain, long position)
    {
        History history = Of(host, grain);
        history.Away = false;
        if (position < 0)
        {
            history.Versions.Clear();
            return;
        }

        int at = history.Versions.FindLastIndex(v => v.Position == position);
        if (at >= 0)
        {
            history.Versions.RemoveRange(at + 1, history.Versions.Count - at - 1);
        }
        else if (oracle.Checkpoints.TryGetValue((host.Partition.Id, host.Id, Key(grain), position), out GrainVersion? version))
        {
            history.Versions.Clear();
            history.Versions.Add(version);
        }
        else
        {
            oracle.World.Fail("I7", $"{silo.Label}: {Name(host, grain)} came back at {new Offset(position)}, of which there is no checkpoint");
            return;
        }

        oracle.World.Trace($"{silo.Label} {Name(host, grain)} is back at {new Offset(position)}");
        if (oracle.LostIn(silo, history.Last.Dependencies) is int lost and >= 0)
        {
            oracle.World.Fail("I5", $"{silo.Label}: {Name(host, grain)} came back at {new Offset(position)}, which depends on lost {oracle.Record(lost)}");
        }
    }

    public override void RolledBack(OperatorHost host, Grain grain, Dependency lost)
    {
        GrainVersion version = Of(host, grain).Last;
        bool needed = oracle.LostIn(silo, version.Dependencies) >= 0
            || (grain.Turn is { } turn && oracle.Find(host.Partition.Id, turn.Offset) is { } record && oracle.LostIn(silo, record.Dependencies) >= 0);
        if (!needed)
        {
            oracle.World.Fail("I5", $"{silo.Label}: {Name(host, grain)} is rolled back for {lost}, but depends on nothing lost");
        }

        oracle.World.Trace($"{silo.Label} {Name(host, grain)} rolls back from {new Offset(grain.Position)} for {lost}");
    }

    public override void SealApplied(Seal seal, int version)
    {
        oracle.World.Totals.SealsApplied++;
        oracle.World.Trace($"{silo.Label} has applied the seal of J{seal.Journal} at {seal.End} (R{version})");
        foreach (Partition partition in silo.Silo.Ownerships.Active)
        {
            for (long s = partition.Log.FirstSequence; s < partition.Log.EndSequence; s++)
            {
                oracle.CheckVoid(silo, partition.Log[s]);
            }

            foreach (OperatorHost host in partition.Hosts)
            {
                host.Grains.Sweep(0, int.MaxValue, grain => CheckGrain(host, grain));
            }
        }
    }

    /// <summary>A grain in memory depends on nothing lost, and its state is the fold of what it has taken.</summary>
    public void CheckGrain(OperatorHost host, Grain grain)
    {
        if (!_grains.TryGetValue(host, out Dictionary<string, History>? histories) || !histories.TryGetValue(Key(grain), out History? history) || history.Away
            || grain.Phase is GrainPhase.Absent or GrainPhase.Loading)
        {
            return;
        }

        if (oracle.LostIn(silo, history.Last.Dependencies) is int lost and >= 0)
        {
            oracle.World.Fail("I5", $"{silo.Label}: {Name(host, grain)} at {new Offset(grain.Position)} was not rolled back, but depends on lost {oracle.Record(lost)}");
        }

        if (grain.Position != history.Last.Position)
        {
            oracle.World.Fail("I4", $"{silo.Label}: {Name(host, grain)} stands at {new Offset(grain.Position)}, but has taken what leads to {new Offset(history.Last.Position)}");
        }

        CheckState(host, grain, history.Last, "in memory");
    }

    public override void Captured(OperatorHost host, Grain grain)
    {
        History history = Of(host, grain);
        GrainVersion version = history.Current(grain.Position, silo, oracle);
        history.Captured[grain.Position] = (version, [.. history.Versions.TakeWhile(v => v.Position <= grain.Position)]);
        CheckState(host, grain, version, "in a checkpoint");
    }

    public override void Committing(OperatorHost host, Grain grain, long position)
    {
        if (!Of(host, grain).Captured.TryGetValue(position, out (GrainVersion Version, List<GrainVersion> Path) captured))
        {
            oracle.World.Fail("I7", $"{silo.Label}: {Name(host, grain)} commits {new Offset(position)}, which was never copied");
            return;
        }

        oracle.CheckStable(silo, captured.Version.Dependencies, $"the checkpoint of {Name(host, grain)} at {new Offset(position)} is committed");
        oracle.CheckOutputsStored(silo, host, grain, captured.Path);
        oracle.Checkpoints[(host.Partition.Id, host.Id, Key(grain), position)] = captured.Version;
        oracle.Released.AddAll(captured.Version.Dependencies);
    }

    public override void Releasing(SinkDefinition sink, Partition partition, LogBlock block, in Row row, long offset)
    {
        if (oracle.Find(partition.Id, offset) is not { } record)
        {
            oracle.World.Fail("I6", $"{silo.Label} releases {partition.Name}@{new Offset(offset)}, which nobody appended");
            return;
        }

        oracle.CheckStable(silo, record.Dependencies, $"{record} is released to {sink.Name}");
        oracle.Released.AddAll(record.Dependencies);
    }

    public override void Claimed(int partition, int epoch) => oracle.World.Totals.Takeovers++;

    private static string Name(OperatorHost host, Grain grain) => $"{host.Type.Definition.Name}/{host.Type.KeyText(grain.Key)} of {host.Partition.Name}";

    private static string Key(Grain grain) => Convert.ToHexString(grain.Key);

    private History Of(OperatorHost host, Grain grain)
    {
        if (!_grains.TryGetValue(host, out Dictionary<string, History>? grains))
        {
            _grains.Add(host, grains = []);
        }

        string key = Key(grain);
        if (!grains.TryGetValue(key, out History? history))
        {
            grains.Add(key, history = new History());
        }

        return history;
    }

    /// <summary>The record at an offset, if it is what the grain must take next.</summary>
    private OracleRecord? Next(OperatorHost host, Grain grain, GrainVersion before, long offset)
    {
        OracleRecord? record = oracle.Find(host.Partition.Id, offset);
        if (record is null)
        {
            oracle.World.Fail("I6", $"{silo.Label}: {Name(host, grain)} consumed {new Offset(offset)}, which nobody appended");
            return null;
        }

        if (offset <= before.Position)
        {
            oracle.World.Fail("I4", $"{silo.Label}: {Name(host, grain)} at {new Offset(before.Position)} took {record} once more");
            return null;
        }

        foreach (OracleRecord skipped in oracle.Between(host.Partition.Id, record.Key, before.Position, offset))
        {
            if ((skipped.Kind == RecordKind.Event || skipped.Operator == host.Id) && oracle.LostIn(silo, skipped.Dependencies) < 0)
            {
                oracle.World.Fail("I4", $"{silo.Label}: {Name(host, grain)} at {new Offset(before.Position)} took {record} without {skipped}");
                return null;
            }
        }

        return record;
    }

    private void CheckState(OperatorHost host, Grain grain, GrainVersion version, string when)
    {
        if (host.Type.Definition.GrainType is null || grain.Turn is not null || grain.Instance is null)
        {
            return;
        }

        LogicState state = Oracle.StateOf(host, grain);
        if (state != version.State)
        {
            oracle.World.Fail("I4", $"{silo.Label}: {Name(host, grain)} at {new Offset(version.Position)} {when} has {state}, not {version.State}");
        }

        if (!version.Pending.Select(p => (p.Name, p.Kind, p.Tag, p.Due)).OrderBy(p => p.Name).SequenceEqual((grain.Pending ?? []).Select(p => (p.Name, p.Kind, p.Tag, p.Due)).OrderBy(p => p.Name)))
        {
            oracle.World.Fail("I4", $"{silo.Label}: {Name(host, grain)} at {new Offset(version.Position)} {when} waits for {string.Join(' ', grain.Pending ?? [])}, not for {string.Join(' ', version.Pending)}");
        }
    }

    /// <summary>The versions of one grain in one owner.</summary>
    internal sealed class History
    {
        public List<GrainVersion> Versions { get; } = [];

        public Dictionary<long, (GrainVersion Version, List<GrainVersion> Path)> Captured { get; } = [];

        /// <summary>It is being brought back.</summary>
        public bool Away { get; set; }

        public GrainVersion Last => Versions.Count == 0 ? GrainVersion.Initial : Versions[^1];

        public void Add(GrainVersion version)
        {
            Away = false;
            Versions.Add(version);
        }

        public GrainVersion Current(long position, SimulatedSilo silo, Oracle oracle)
        {
            if (Last.Position != position)
            {
                oracle.World.Fail("I4", $"{silo.Label}: a grain stands at {new Offset(position)}, but has taken what leads to {new Offset(Last.Position)}");
            }

            return Last;
        }
    }
}

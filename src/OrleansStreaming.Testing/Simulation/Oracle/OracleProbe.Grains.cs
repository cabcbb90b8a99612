using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <content>What grains do: each turn is computed by the reference, too.</content>
internal sealed partial class OracleProbe
{
    private readonly Dictionary<(OperatorHost Host, int Key), GrainHistory> _grains = [];

    public override void Consumed(OperatorHost host, Grain grain, long offset, bool flagged)
    {
        GrainHistory history = Of(host, grain, out int key);
        GrainVersion before = history.Last;
        if (oracle.Folds.Next(silo, host, key, before, offset) is not { } record)
        {
            return;
        }

        oracle.Orphans.Consumed(silo, record);
        if (host.Partition.Stream.Strict)
        {
            oracle.Release.ToStrictReader(silo, record);
        }

        if (record.Kind != RecordKind.Event && !before.Pending.Any(p => p.Kind == record.Kind && p.Name == record.Name))
        {
            oracle.Folds.NotAwaited(silo, host, key, record);
            return;
        }

        if (oracle.Folds.TryTurn(host.Type.Definition, before, record) is { } after)
        {
            oracle.World.Trace($"{silo.Label} {host.Type.Definition.Name}/{oracle.Keys.Text(key)} took {record}{(flagged ? " again" : "")}, {after.Outputs.Count} outputs");
            Reached(host, history, key, after);
            oracle.Folds.CheckState(silo, host, key, grain, after, "after a turn", record);
        }
    }

    public override void LeftOut(OperatorHost host, Grain grain, long offset, bool flagged)
    {
        GrainHistory history = Of(host, grain, out int key);
        if (oracle.Folds.Next(silo, host, key, history.Last, offset) is not { } record)
        {
            return;
        }

        List<OracleRecord> decisions = oracle.Decisions(silo, host.Partition, record, host.Id);
        if (decisions.Count != 1)
        {
            oracle.Folds.Decisions(silo, host, key, record, decisions.Count);
            return;
        }

        GrainVersion after = oracle.Reference.LeaveOut(host.Type.Definition, history.Last, record, decisions[0]);
        Reached(host, history, key, after);
        oracle.Folds.CheckState(silo, host, key, grain, after, "after an event that it left out");
    }

    public override void Passed(OperatorHost host, Grain grain, long offset)
    {
        GrainHistory history = Of(host, grain, out int key);
        GrainVersion before = history.Last;
        if (oracle.Folds.Next(silo, host, key, before, offset) is not { } record)
        {
            return;
        }

        bool awaited = record.Kind != RecordKind.Decision && before.Pending.Any(p => p.Kind == record.Kind && p.Name == record.Name);
        if (record.Kind == RecordKind.Event || awaited)
        {
            oracle.Folds.PassedOver(silo, host, key, record);
            return;
        }

        Reached(host, history, key, Reference.Pass(before, record));
    }

    public override void GoingBack(OperatorHost host, Grain grain)
    {
        Of(host, grain, out _).Away = true;
        oracle.World.Totals.Undone++;
    }

    public override void Restored(OperatorHost host, Grain grain, long position)
    {
        GrainHistory history = Of(host, grain, out int key);
        if (!history.TryReturn(position))
        {
            if (!oracle.Checkpoints.TryGetValue((host.Partition.Id, host.Id, key, position), out GrainVersion? version))
            {
                oracle.Retention.NoCheckpoint(silo, host, position);
                return;
            }

            history.StartFrom(version);
        }

        oracle.World.Trace($"{silo.Label} {host.Type.Definition.Name}/{oracle.Keys.Text(key)} is back at {new Offset(position)}");
        oracle.Orphans.Restored(silo, host, history.Last);
    }

    public override void RolledBack(OperatorHost host, Grain grain, Dependency lost)
    {
        oracle.World.Trace($"{silo.Label} {host.Type.Definition.Name}/{host.Type.KeyText(grain.Key)} rolls back from {new Offset(grain.Position)} for {lost}");
        oracle.Orphans.RolledBack(silo, host, grain, Of(host, grain, out _).Last, lost);
    }

    public override void Captured(OperatorHost host, Grain grain)
    {
        GrainVersion version = Standing(host, grain);
        GrainHistory history = Of(host, grain, out int key);
        history.Capture(grain.Position);
        oracle.Folds.CheckState(silo, host, key, grain, version, "in a checkpoint");
    }

    public override void Committing(OperatorHost host, Grain grain, long position)
    {
        if (!Of(host, grain, out int key).Captured.TryGetValue(position, out IReadOnlyList<GrainVersion>? path))
        {
            oracle.Retention.NeverCopied(silo, host, position);
            return;
        }

        oracle.Release.Committed(silo, host, path[^1]);
        oracle.Retention.CheckOutputsStored(silo, host, key, path);
        oracle.Checkpoints[(host.Partition.Id, host.Id, key, position)] = path[^1];
    }

    /// <summary>A grain in memory depends on nothing lost, and its state is the fold of what it has taken.</summary>
    private void CheckGrain(OperatorHost host, Grain grain)
    {
        int key = oracle.Keys.Of(grain.Key);
        if (_grains.TryGetValue((host, key), out GrainHistory? history) && !history.Away && grain.Phase is not (GrainPhase.Absent or GrainPhase.Loading))
        {
            oracle.Orphans.CheckGrain(silo, host, grain, history.Last);
            oracle.Folds.CheckPosition(silo, host, key, grain, history.Last);
            oracle.Folds.CheckState(silo, host, key, grain, history.Last, "in memory");
        }
    }

    private void Reached(OperatorHost host, GrainHistory history, int key, GrainVersion version)
    {
        history.Add(version);
        oracle.Folds.Reached(host, key, version);
        _origin = version.Dependencies;
    }

    /// <summary>The version that a grain stands at.</summary>
    private GrainVersion Standing(OperatorHost host, Grain grain)
    {
        GrainVersion version = Of(host, grain, out int key).Last;
        oracle.Folds.CheckPosition(silo, host, key, grain, version);
        return version;
    }

    private GrainHistory Of(OperatorHost host, Grain grain, out int key)
    {
        key = oracle.Keys.Of(grain.Key);
        if (!_grains.TryGetValue((host, key), out GrainHistory? history))
        {
            _grains.Add((host, key), history = new GrainHistory());
        }

        return history;
    }
}

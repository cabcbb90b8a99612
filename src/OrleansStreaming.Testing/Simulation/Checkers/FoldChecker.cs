using System.Buffers;
using System.Text;
using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>I4: a grain's state equals the fold of its partition's non-void events for its key, in order, whatever happened.</summary>
internal sealed class FoldChecker(Oracle oracle) : Checker(oracle, "I4")
{
    private readonly Dictionary<(int Partition, int Operator, int Key), List<GrainVersion>> _versions = [];
    private readonly ArrayBufferWriter<byte> _buffer = new(64);

    /// <summary>A grain has come to a version.</summary>
    public void Reached(OperatorHost host, int key, GrainVersion version)
    {
        if (!_versions.TryGetValue((host.Partition.Id, host.Id, key), out List<GrainVersion>? versions))
        {
            _versions.Add((host.Partition.Id, host.Id, key), versions = []);
        }

        versions.Add(version);
    }

    /// <summary>The record at an offset, if it is what the grain must take next.</summary>
    public OracleRecord? Next(SimulatedSilo silo, OperatorHost host, int key, GrainVersion before, long offset)
    {
        if (Oracle.Find(host.Partition.Id, offset) is not { } record)
        {
            Oracle.Seals.Unknown(silo, host.Partition.Id, offset);
            return null;
        }

        if (offset <= before.Position)
        {
            Fail($"{silo.Label}: {Name(host, key)} at {new Offset(before.Position)} took {record} once more");
            return null;
        }

        IReadOnlyList<OracleRecord> all = Oracle.OfKey(host.Partition.Id, record.Key);
        for (int i = all.Count - 1; i >= 0 && all[i].Offset > before.Position; i--)
        {
            if (all[i].Offset < offset && (all[i].Kind == RecordKind.Event || all[i].Operator == host.Id) && Oracle.LostIn(silo, all[i].Dependencies) < 0)
            {
                Fail($"{silo.Label}: {Name(host, key)} at {new Offset(before.Position)} took {record} without {all[i]}");
                return null;
            }
        }

        return record;
    }

    /// <summary>What the reference makes of a record that a grain has processed; null when that cannot be.</summary>
    public GrainVersion? TryTurn(OperatorDefinition op, GrainVersion before, OracleRecord record)
    {
        try
        {
            GrainVersion after = Oracle.Reference.Turn(op, before, record);
            if (World.Scenario.Workload.RunsTwice && Difference(after, Oracle.Reference.Turn(op, before, record)) is { } difference)
            {
                World.Fail(Nondeterminism.Invariant, Nondeterminism.Of(op, Oracle.Keys, record, $"twice in a row it was given the same state and the same event, and {difference}"));
                return null;
            }

            return after;
        }
        catch (SimulationException e)
        {
            World.Fail(e.Invariant, e.Message);
            return null;
        }
        catch (Exception e) when (World.Scenario.Workload.RunsTwice)
        {
            World.Fail(Nondeterminism.Invariant, Nondeterminism.Of(op, Oracle.Keys, record, $"it took the event once, and then threw {e.GetType().Name}: {e.Message}"));
            return null;
        }
        catch (Exception e)
        {
            Fail($"{op.Name} cannot have taken {record}, as it throws, but there is no decision: {e.Message}");
            return null;
        }
    }

    public void TooEarly(OracleRecord record, ReferenceRequest request) => Fail($"{record} fired at {record.Time}, before it was due at {request.Due}");

    public void NotAwaited(SimulatedSilo silo, OperatorHost host, int key, OracleRecord record) =>
        Fail($"{silo.Label}: {Name(host, key)} took {record}, for which it does not wait");

    public void Decisions(SimulatedSilo silo, OperatorHost host, int key, OracleRecord record, int count) =>
        Fail($"{silo.Label}: {Name(host, key)} left {record} out, for which there are {count} decisions");

    public void PassedOver(SimulatedSilo silo, OperatorHost host, int key, OracleRecord record) =>
        Fail($"{silo.Label}: {Name(host, key)} passed over {record}");

    /// <summary>A grain stands where it has come to.</summary>
    public void CheckPosition(SimulatedSilo silo, OperatorHost host, int key, Grain grain, GrainVersion version)
    {
        if (grain.Position != version.Position)
        {
            Fail($"{silo.Label}: {Name(host, key)} stands at {new Offset(grain.Position)}, but has taken what leads to {new Offset(version.Position)}");
        }
    }

    /// <summary>A grain's state and what it waits for are those of a version.</summary>
    public void CheckState(SimulatedSilo silo, OperatorHost host, int key, Grain grain, GrainVersion version, string when, OracleRecord? taken = null)
    {
        if (host.Type.Definition.GrainType is null || grain.Turn is not null || grain.Instance is null)
        {
            return;
        }

        _buffer.ResetWrittenCount();
        host.Type.WriteState(grain.Instance, _buffer);
        byte[] expected = Oracle.Reference.StateOf(host.Type.Definition, key, version)!;
        if (!StateBytes.Same(_buffer.WrittenSpan, expected))
        {
            string was = StateBytes.Text(_buffer.WrittenSpan), wanted = StateBytes.Text(expected);
            if (taken is not null && World.Scenario.Workload.RunsTwice)
            {
                World.Fail(Nondeterminism.Invariant, Nondeterminism.Of(host.Type.Definition, Oracle.Keys, taken, $"the state became {was} in the silo, and {wanted} when the same turn ran on a new instance"));
            }

            Fail($"{silo.Label}: {Name(host, key)} at {new Offset(version.Position)} {when} has {was}, not {wanted}");
        }

        if (!SamePending(version.Pending, grain.Pending))
        {
            Fail($"{silo.Label}: {Name(host, key)} at {new Offset(version.Position)} {when} waits for {string.Join(' ', grain.Pending ?? [])}, not for {string.Join(' ', version.Pending)}");
        }
    }

    /// <summary>A read shows a state that the grain has had. The versions that look like it.</summary>
    public IReadOnlyList<RecordSet> Answered(SimulatedSilo silo, OperatorDefinition op, int partition, int key, StateAnswer answer)
    {
        ReadOnlySpan<byte> json = answer.Json.Span;
        var found = new List<RecordSet>();
        if (StateBytes.Same(json, Oracle.Reference.JsonOf(op, key, null)))
        {
            found.Add(GrainVersion.Initial.Dependencies); // It has only left events out.
        }

        foreach (GrainVersion version in _versions.GetValueOrDefault((partition, op.Id, key)) ?? [])
        {
            if (version.Position == answer.Offset.Value && StateBytes.Same(json, Oracle.Reference.JsonOf(op, key, version.State)))
            {
                found.Add(version.Dependencies);
            }
        }

        if (found.Count == 0)
        {
            Fail($"{silo.Label} answers a read of {op.Name}/{Oracle.Keys.Text(key)} at {answer.Offset} with {Encoding.UTF8.GetString(json)}, a state that never was");
        }

        return found;
    }

    /// <summary>When everything has come to rest: the state that a reader sees is that of the plain answer.</summary>
    public void CheckFinal(FinalFold fold, OperatorDefinition op, int key, StateAnswer answer)
    {
        byte[]? state = fold.Versions.TryGetValue((op.Id, key), out GrainVersion? version) ? version.State : null;
        byte[] expected = Oracle.Reference.JsonOf(op, key, state);
        bool same = answer.Kind == StateAnswerKind.Found ? StateBytes.Same(answer.Json.Span, expected) : state is null;
        if (!same)
        {
            Fail($"{op.Name}/{Oracle.Keys.Text(key)} is {answer.Kind} with {StateBytes.Text(answer.Json.Span)}, but what it read folds to {StateBytes.Text(expected)}");
        }
    }

    private static bool SamePending(IReadOnlyList<ReferenceRequest> expected, List<PendingRequest>? actual)
    {
        if (expected.Count != (actual?.Count ?? 0))
        {
            return false;
        }

        foreach (ReferenceRequest request in expected)
        {
            if (!actual!.Exists(p => p.Name == request.Name && p.Kind == request.Kind && p.Tag == request.Tag && p.Due == request.Due && p.Request.AsSpan().SequenceEqual(request.Request)))
            {
                return false;
            }
        }

        return true;
    }

    private static string? Difference(GrainVersion one, GrainVersion other)
    {
        if (one.State is not null && !StateBytes.Same(one.State, other.State))
        {
            return $"the state became {StateBytes.Text(one.State)} and {StateBytes.Text(other.State)}";
        }

        for (int i = 0; i < Math.Max(one.Outputs.Count, other.Outputs.Count); i++)
        {
            if (i >= one.Outputs.Count || i >= other.Outputs.Count)
            {
                return $"it emitted {one.Outputs.Count} events and {other.Outputs.Count}";
            }

            if (one.Outputs[i].Key != other.Outputs[i].Key || !one.Outputs[i].Payload.AsSpan().SequenceEqual(other.Outputs[i].Payload))
            {
                return $"its output {i} was {StateBytes.Text(one.Outputs[i].Payload)} and {StateBytes.Text(other.Outputs[i].Payload)}";
            }
        }

        bool requests = one.Pending.Count == other.Pending.Count
            && one.Pending.Zip(other.Pending).All(p => p.First.Name == p.Second.Name && p.First.Tag == p.Second.Tag && p.First.Due == p.Second.Due && p.First.Request.AsSpan().SequenceEqual(p.Second.Request));
        return requests ? null : $"it came to wait for {string.Join(' ', one.Pending)} and for {string.Join(' ', other.Pending)}";
    }

    private string Name(OperatorHost host, int key) => $"{host.Type.Definition.Name}/{Oracle.Keys.Text(key)} of {host.Partition.Name}";
}

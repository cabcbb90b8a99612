using System.Text;
using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>
/// What each operator must do with a record, computed apart from the silos: the version of a grain before it and the record
/// give the version after it.
/// </summary>
internal sealed class Reference(Topology topology, IReadOnlyDictionary<int, ReferenceOperator> operators, IServiceProvider services, KeyTable keys)
{
    /// <summary>What an operator throws on a record; null when it takes it.</summary>
    public Exception? Throws(OperatorDefinition op, GrainVersion before, OracleRecord record)
    {
        try
        {
            Turn(op, before, record);
            return null;
        }
        catch (Exception e) when (e is not SimulationException)
        {
            return e;
        }
    }

    /// <summary>A record that the grain processes. Throws what the operator throws.</summary>
    public GrainVersion Turn(OperatorDefinition op, GrainVersion before, OracleRecord record)
    {
        var context = new ReferenceContext(op, topology, keys, record.Key, record.Offset, record.Time);
        if (!operators.TryGetValue(op.Id, out ReferenceOperator? known))
        {
            context.Emit(op.To[0], TypeIn(op.To[0], op.From.Types[record.Type]), keys[record.Key], record.Payload);
            return After(before, record, before.State, null, context);
        }

        byte[] key = keys[record.Key];
        ReferenceRequest? request = record.Kind == RecordKind.Event ? null : before.Pending.First(p => p.Kind == record.Kind && p.Name == record.Name);
        byte[] state = record.Kind switch
        {
            RecordKind.Event => known.OnEvent(key, before.State, record.Type, record.Payload, context, services),
            RecordKind.Timer => known.OnTimer(key, before.State, Encoding.UTF8.GetString(record.Payload), context, services),
            RecordKind.CallResult => known.OnResult(key, before.State, request!.Tag, request.Request, record.Payload, context, services),
            _ => throw new InvalidOperationException("a decision is no turn"),
        };
        return After(before, record, state, request, context);
    }

    /// <summary>A record that a decision leaves out.</summary>
    public GrainVersion LeaveOut(OperatorDefinition op, GrainVersion before, OracleRecord record, OracleRecord decision)
    {
        var context = new ReferenceContext(op, topology, keys, record.Key, record.Offset, record.Time);
        if (op.DeadLetters is { } letters)
        {
            string key = KeyCodec.ToText(op.From.KeyKind, keys[record.Key]);
            context.Emit(letters, 0, Encoding.UTF8.GetBytes(key), null);
        }

        return new GrainVersion
        {
            Position = record.Offset,
            State = before.State,
            Dependencies = RecordSet.Union(RecordSet.Union(before.Dependencies, record.Dependencies), decision.Dependencies),
            Pending = record.Kind == RecordKind.Event ? before.Pending : [.. before.Pending.Where(p => p.Name != record.Name)],
            Outputs = context.Outputs,
        };
    }

    /// <summary>A record that changes nothing but what the grain depends on.</summary>
    public static GrainVersion Pass(GrainVersion before, OracleRecord record) => new()
    {
        Position = record.Offset,
        State = before.State,
        Dependencies = RecordSet.Union(before.Dependencies, record.Dependencies),
        Pending = before.Pending,
        Outputs = [],
    };

    /// <summary>The encoded state; that of a new instance where nothing has changed it. Null for a relay.</summary>
    public byte[]? StateOf(OperatorDefinition op, int key, GrainVersion version) =>
        operators.TryGetValue(op.Id, out ReferenceOperator? known) ? version.State ?? known.Fresh(keys[key], services) : null;

    /// <summary>The state as a reader of it sees it.</summary>
    public byte[] JsonOf(OperatorDefinition op, int key, byte[]? state) => operators[op.Id].Json(state ?? operators[op.Id].Fresh(keys[key], services));

    private static byte TypeIn(StreamDefinition stream, EventType type) => (byte)stream.Types.First(t => t.ClrType == type.ClrType).Index;

    private static GrainVersion After(GrainVersion before, OracleRecord record, byte[]? state, ReferenceRequest? done, ReferenceContext context)
    {
        IReadOnlyList<ReferenceRequest> pending = before.Pending;
        if (done is not null || context.Cancelled.Count > 0 || context.Requests.Count > 0)
        {
            pending = [.. before.Pending.Where(p => p != done && !(p.Kind == RecordKind.Timer && context.Cancelled.Contains(p.Tag))), .. context.Requests];
        }

        return new GrainVersion
        {
            Position = record.Offset,
            State = state,
            Dependencies = RecordSet.Union(before.Dependencies, record.Dependencies),
            Pending = pending,
            Outputs = context.Outputs,
        };
    }
}

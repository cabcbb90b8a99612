using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>Computes what a turn must do, from the record and the version before.</summary>
internal sealed class GrainModel(Scenario scenario)
{
    public SimulatedOperator? Find(OperatorDefinition op) => op.GrainType is null ? null : scenario.Operators.First(o => o.Name == op.Name);

    public GrainVersion Turn(OperatorDefinition op, GrainVersion before, OracleRecord record)
    {
        RecordSet dependencies = RecordSet.Union(before.Dependencies, record.Dependencies);
        var context = new Context(op, scenario, record.Offset, record.Time);
        SimulatedOperator? simulated = Find(op);
        if (simulated is null)
        {
            context.Relay(record);
            return new GrainVersion { Position = record.Offset, State = before.State, Dependencies = dependencies, Pending = [], Outputs = context.Outputs };
        }

        LogicState state;
        OracleRequest? request = null;
        switch (record.Kind)
        {
            case RecordKind.Event:
                state = SimulatedLogic.OnEvent(simulated, before.State, Event(record), record.Offset, record.Time, scenario.Keys, context);
                break;
            case RecordKind.Timer:
                request = before.Pending.First(p => p.Kind == record.Kind && p.Name == record.Name);
                state = SimulatedLogic.OnTimer(simulated, before.State, System.Text.Encoding.UTF8.GetString(record.Payload), record.Offset, record.Time, scenario.Keys, context);
                break;
            case RecordKind.CallResult:
                request = before.Pending.First(p => p.Kind == record.Kind && p.Name == record.Name);
                ulong answer = record.Payload[0] == CallAnswer.Ok ? BitConverter.ToUInt64(record.Payload, 1) : ulong.MaxValue;
                state = SimulatedLogic.OnResult(simulated, before.State, new SimulatedRequest { Id = request.RequestId }, answer, record.Offset, record.Time, scenario.Keys, context);
                break;
            default:
                throw new InvalidOperationException("a decision is no turn");
        }

        IEnumerable<OracleRequest> pending = before.Pending.Where(p => p != request && !(p.Kind == RecordKind.Timer && context.Cancelled.Contains(p.Tag)));
        return new GrainVersion
        {
            Position = record.Offset,
            State = state,
            Dependencies = dependencies,
            Pending = [.. pending, .. context.Requests],
            Outputs = context.Outputs,
        };
    }

    /// <summary>An event that a decision leaves out.</summary>
    public GrainVersion LeaveOut(OperatorDefinition op, GrainVersion before, OracleRecord record, OracleRecord decision)
    {
        var outputs = new List<OracleOutput>();
        if (op.DeadLetters is { } letters)
        {
            string key = KeyCodec.ToText(op.From.KeyKind, Convert.FromHexString(record.Key));
            byte[] bytes = System.Text.Encoding.UTF8.GetBytes(key);
            int partition = PartitionId.Of(letters, KeyHash.PartitionOf(KeyHash.Compute(bytes), letters.PartitionCount));
            outputs.Add(new OracleOutput(partition, new RecordName(record.Offset, 0), 0, Convert.ToHexString(bytes)));
        }

        return new GrainVersion
        {
            Position = record.Offset,
            State = before.State,
            Dependencies = RecordSet.Union(RecordSet.Union(before.Dependencies, record.Dependencies), decision.Dependencies),
            Pending = before.Pending,
            Outputs = outputs,
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

    public SimulatedEvent Event(OracleRecord record) => scenario.Topology.Serializers.Get<SimulatedEvent>().Read(record.Payload);

    private sealed class Context(OperatorDefinition op, Scenario scenario, long offset, long time) : ILogicContext
    {
        private int _ordinal;
        private int _requests;

        public List<OracleOutput> Outputs { get; } = [];

        public List<OracleRequest> Requests { get; } = [];

        public HashSet<string> Cancelled { get; } = [];

        public void Emit(string stream, SimulatedEvent output)
        {
            StreamDefinition target = op.To.First(t => t.Name == stream);
            byte[] key = new byte[8];
            KeyCodec.Write(output.Key, key);
            int partition = PartitionId.Of(target, SimulatedWorld.PartitionOf(target, output.Key));
            Outputs.Add(new OracleOutput(partition, new RecordName(offset, _ordinal++), output.Id, Convert.ToHexString(key)));
        }

        public void Relay(OracleRecord record)
        {
            StreamDefinition target = op.To[0];
            int index = KeyHash.PartitionOf(KeyHash.Compute(Convert.FromHexString(record.Key)), target.PartitionCount);
            ulong id = scenario.Topology.Serializers.Get<SimulatedEvent>().Read(record.Payload).Id;
            Outputs.Add(new OracleOutput(PartitionId.Of(target, index), new RecordName(offset, 0), id, record.Key));
        }

        public void SetTimer(string name, long dueMicros)
        {
            CancelTimer(name);
            Requests.Add(new OracleRequest(new RecordName(offset, _requests++), RecordKind.Timer, name, time + dueMicros, 0));
        }

        public void CancelTimer(string name)
        {
            Requests.RemoveAll(r => r.Kind == RecordKind.Timer && r.Tag == name);
            Cancelled.Add(name);
        }

        public void Call(SimulatedRequest request) =>
            Requests.Add(new OracleRequest(new RecordName(offset, _requests++), RecordKind.CallResult, typeof(SimulatedRequest).FullName!, 0, request.Id));
    }
}

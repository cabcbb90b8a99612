using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>
/// The plain answer: what all grains are after all standing records, each partition read once, in order, by one reader, and
/// what they have sent.
/// </summary>
internal sealed class FinalFold
{
    private readonly Oracle _oracle;
    private readonly Dictionary<(int Partition, int Operator, int Key, long Offset), OracleRecord> _decisions = [];
    private readonly Dictionary<(int Operator, int Key), GrainVersion> _versions = [];
    private readonly Dictionary<(int Partition, int Operator, int Key), List<ReferenceOutput>> _sent = [];

    public FinalFold(Oracle oracle)
    {
        _oracle = oracle;
        Standing = oracle.Standing();
        foreach (OracleRecord record in Standing)
        {
            if (record.Kind == RecordKind.Decision)
            {
                _decisions.TryAdd((record.Partition, record.Operator, record.Key, record.Name.Input), record);
            }
        }

        foreach (OracleRecord record in Standing)
        {
            foreach (OperatorDefinition op in oracle.World.Topology.Operators)
            {
                if (op.From.Id == PartitionId.StreamId(record.Partition) && (record.Kind == RecordKind.Event || record.Operator == op.Id) && !Take(op, record))
                {
                    return;
                }
            }
        }
    }

    /// <summary>All records that depend on nothing lost.</summary>
    public IReadOnlyList<OracleRecord> Standing { get; }

    /// <summary>Each grain at the end.</summary>
    public IReadOnlyDictionary<(int Operator, int Key), GrainVersion> Versions => _versions;

    /// <summary>What each grain has sent to each partition, in order.</summary>
    public IReadOnlyDictionary<(int Partition, int Operator, int Key), List<ReferenceOutput>> Sent => _sent;

    private bool Take(OperatorDefinition op, OracleRecord record)
    {
        GrainVersion before = _versions.GetValueOrDefault((op.Id, record.Key)) ?? GrainVersion.Initial;
        ReferenceRequest? request = record.Kind is RecordKind.Event or RecordKind.Decision ? null : before.Pending.FirstOrDefault(p => p.Kind == record.Kind && p.Name == record.Name);
        GrainVersion after;
        if (record.Kind == RecordKind.Decision || (record.Kind != RecordKind.Event && request is null))
        {
            after = Reference.Pass(before, record);
        }
        else if (_decisions.TryGetValue((record.Partition, op.Id, record.Key, record.Offset), out OracleRecord? decision))
        {
            after = _oracle.Reference.LeaveOut(op, before, record, decision);
        }
        else if (_oracle.Folds.TryTurn(op, before, record) is { } turn)
        {
            after = turn;
        }
        else
        {
            return false;
        }

        if (record.Kind == RecordKind.Timer && record.Time < request?.Due)
        {
            _oracle.Folds.TooEarly(record, request);
        }

        _versions[(op.Id, record.Key)] = after;
        foreach (ReferenceOutput output in after.Outputs)
        {
            if (!_sent.TryGetValue((output.Partition, op.Id, record.Key), out List<ReferenceOutput>? sent))
            {
                _sent.Add((output.Partition, op.Id, record.Key), sent = []);
            }

            sent.Add(output);
        }

        return true;
    }
}

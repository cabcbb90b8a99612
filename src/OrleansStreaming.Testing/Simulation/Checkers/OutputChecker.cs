using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>
/// I9: sink content equals that of a fault-free run over the final order of each partition, per producing grain in order; and
/// so does what lies in the streams between.
/// </summary>
internal sealed class OutputChecker(Oracle oracle) : Checker(oracle, "I9")
{
    public void EmptyBatch(string sink) => Fail($"an empty batch for {sink}");

    public void Rewritten(string sink, string name, ReadOnlySpan<byte> known, ReadOnlySpan<byte> now) =>
        Fail($"{sink}: {name} was written as {StateBytes.Text(known)} and now comes as {StateBytes.Text(now)}");

    /// <summary>When everything has come to rest.</summary>
    public void CheckAtEnd(FinalFold fold)
    {
        CheckStreams(fold);
        foreach (SinkDefinition sink in World.Topology.Sinks)
        {
            for (int i = 0; i < sink.From.PartitionCount; i++)
            {
                int partition = PartitionId.Of(sink.From, i);
                List<OracleRecord> wanted = [.. fold.Standing.Where(r => r.Partition == partition && r.Kind == RecordKind.Event)];
                SinkContent content = World.SinkContentOf(sink, i);
                if (World.Scenario.IdempotentSinks)
                {
                    CheckKeyed(sink, i, wanted, content);
                }
                else
                {
                    CheckOrdered(sink, i, wanted, content);
                }
            }
        }
    }

    /// <summary>Every grain's outputs are in the streams, in its order, and nothing else is.</summary>
    private void CheckStreams(FinalFold fold)
    {
        var actual = new Dictionary<(int Partition, int Operator, int Key), List<OracleRecord>>();
        foreach (OracleRecord record in fold.Standing.Where(r => r.Producer == ProducerKind.Grain))
        {
            if (!actual.TryGetValue((record.Partition, record.Operator, record.ProducerKey), out List<OracleRecord>? records))
            {
                actual.Add((record.Partition, record.Operator, record.ProducerKey), records = []);
            }

            records.Add(record);
        }

        foreach (((int Partition, int Operator, int Key) of, List<ReferenceOutput> outputs) in fold.Sent)
        {
            List<OracleRecord> records = actual.GetValueOrDefault(of) ?? [];
            for (int i = 0; i < Math.Max(outputs.Count, records.Count); i++)
            {
                ReferenceOutput? wanted = i < outputs.Count ? outputs[i] : null;
                OracleRecord? found = i < records.Count ? records[i] : null;
                bool same = wanted is not null && found is not null && wanted.Name == found.Name && wanted.Key == found.Key && wanted.Type == found.Type
                    && (wanted.Payload is null || StateBytes.Same(wanted.Payload, found.Payload));
                if (!same)
                {
                    Fail($"output {i} of op{of.Operator}/{Oracle.Keys.Text(of.Key)} in {World.PartitionName(of.Partition)} should be "
                        + $"{(wanted is null ? "none" : $"{wanted.Name} {StateBytes.Text(wanted.Payload)}")}, but is {(found is null ? "missing" : $"{found} {StateBytes.Text(found.Payload)}")}");
                    return;
                }
            }
        }

        foreach (((int Partition, int Operator, int Key) of, List<OracleRecord> records) in actual)
        {
            if (!fold.Sent.ContainsKey(of))
            {
                Fail($"{records[0]} of {World.PartitionName(of.Partition)} should not be");
            }
        }
    }

    private void CheckKeyed(SinkDefinition sink, int index, List<OracleRecord> wanted, SinkContent content)
    {
        if (content.ByName.Count != wanted.Count)
        {
            Fail($"{sink.Name}-{index} holds {content.ByName.Count} events, and the stream {wanted.Count}");
            return;
        }

        List<byte[]> left = [.. wanted.Select(r => r.Payload)];
        foreach (byte[] payload in content.ByName.Values)
        {
            int at = left.FindIndex(p => StateBytes.Same(p, payload));
            if (at < 0)
            {
                Fail($"{sink.Name}-{index} holds {StateBytes.Text(payload)}, which is not in the stream, or twice");
                return;
            }

            left.RemoveAt(at);
        }
    }

    private void CheckOrdered(SinkDefinition sink, int index, List<OracleRecord> wanted, SinkContent content)
    {
        for (int row = 0; row < Math.Max(wanted.Count, content.Rows.Count); row++)
        {
            OracleRecord? record = row < wanted.Count ? wanted[row] : null;
            SinkRow? found = row < content.Rows.Count ? content.Rows[row] : null;
            if (record is null || found is null || record.Offset != found.Offset || !StateBytes.Same(record.Payload, found.Payload))
            {
                Fail($"row {row} of {sink.Name}-{index} should be {record?.ToString() ?? "none"}, but is {(found is null ? "missing" : $"{new Offset(found.Offset)} {found.Name}")}");
                return;
            }
        }
    }
}

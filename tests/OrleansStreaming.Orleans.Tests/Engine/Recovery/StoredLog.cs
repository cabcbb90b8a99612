using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Clustering.Tests;

/// <summary>A record as it lies in a journal.</summary>
/// <param name="Partition">Its partition.</param>
/// <param name="Offset">Its place there.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Key">The key, as text.</param>
/// <param name="Operator">The operator whose grain made it; -1 for one from outside.</param>
/// <param name="ProducerKey">That grain's key, as text.</param>
/// <param name="Name">Its name there: the input that made it, and an ordinal.</param>
/// <param name="Payload">Its bytes.</param>
/// <param name="Vector">What it depended on when it was written.</param>
/// <param name="IsVoid">Whether any of that was lost.</param>
internal sealed record StoredRow(
    int Partition, long Offset, RecordKind Kind, string Key, int Operator, string ProducerKey, RecordName Name, byte[] Payload, CausalityVector? Vector, bool IsVoid);

/// <summary>All that the journals of a deployment hold, read by nothing that took part in writing it.</summary>
internal sealed class StoredLog
{
    private readonly Dictionary<(int Partition, long Offset), StoredRow> _byPlace = [];

    /// <summary>By partition, in the order of offsets.</summary>
    public Dictionary<int, List<StoredRow>> Partitions { get; } = [];

    public int Seals { get; private set; }

    public static async Task<StoredLog> ReadAsync(IStorage storage, CancellationToken cancellationToken)
    {
        ClusterRecord cluster = ClusterRecord.Parse(await storage.ReadRecordAsync(ClusterRecord.RecordName, cancellationToken));
        var log = new StoredLog { Seals = cluster.Seals.Count };
        for (int journal = 0; journal < cluster.Journals.Count; journal++)
        {
            long end = cluster.Seals.FirstOrDefault(s => s.Journal == journal, new Seal(journal, long.MaxValue)).End;
            long next = 1;
            while (next <= end)
            {
                IReadOnlyList<StoredFrame> frames = await storage.ReadFramesAsync(cluster.NameOf(journal), next, end, 1 << 20, cancellationToken);
                if (frames.Count == 0)
                {
                    break;
                }

                foreach (StoredFrame frame in frames)
                {
                    frame.Lsn.ShouldBe(next++, "no frame has been trimmed");
                    log.Take(FrameCodec.Decode(journal, frame, (_, _) => true), cluster.Seals);
                }
            }
        }

        foreach (List<StoredRow> rows in log.Partitions.Values)
        {
            rows.Sort((a, b) => a.Offset.CompareTo(b.Offset));
        }

        return log;
    }

    public StoredRow? At(int partition, long offset) => _byPlace.GetValueOrDefault((partition, offset));

    /// <summary>The rows of a stream, partition by partition.</summary>
    public IEnumerable<StoredRow> Of(StreamDefinition stream) =>
        Enumerable.Range(0, stream.PartitionCount).SelectMany(i => Partitions.GetValueOrDefault(PartitionId.Of(stream, i), []));

    private void Take(List<LogBlock> blocks, IReadOnlyList<Seal> seals)
    {
        foreach (LogBlock block in blocks)
        {
            int at = 0;
            for (int i = 0; i < block.Count; i++)
            {
                at += Row.Read(block.Rows[at..], block.BaseTime, out Row row);
                CausalityVector? vector = block.VectorOf(row.Slot);
                bool isVoid = vector is not null && vector.Entries.ToArray().Any(d => seals.Any(s => s.Journal == d.Journal && d.Lsn > s.End));
                var stored = new StoredRow(
                    block.Partition,
                    block.First.Value + i,
                    row.Kind,
                    System.Text.Encoding.UTF8.GetString(row.Key),
                    row.Producer == ProducerKind.Grain ? row.OperatorId : -1,
                    System.Text.Encoding.UTF8.GetString(row.ProducerKey),
                    row.Name,
                    row.Payload.ToArray(),
                    vector,
                    isVoid);
                _byPlace.TryAdd((stored.Partition, stored.Offset), stored).ShouldBeTrue($"offset {new Offset(stored.Offset)} of partition {stored.Partition:x} is used once");
                (Partitions.TryGetValue(stored.Partition, out List<StoredRow>? rows) ? rows : Partitions[stored.Partition] = []).Add(stored);
            }
        }
    }
}

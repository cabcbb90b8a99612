namespace OrleansStreaming.Core;

/// <summary>The void rows of a partition by key: why a grain that read it was taken back. Reads the log once, when first asked.</summary>
internal sealed class VoidRows(Silo silo, Partition partition)
{
    private Dictionary<byte[], (LogBlock Block, int Start, long Offset)>? _first;

    public Partition Partition { get; } = partition;

    /// <summary>The first void event addressed to a key, and who sent it; null when there is none in memory.</summary>
    public string? Because(ReadOnlySpan<byte> key)
    {
        _first ??= Find();
        if (!_first.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(key, out var found))
        {
            return null;
        }

        Row.Read(found.Block.Rows[found.Start..], found.Block.BaseTime, out Row row);
        string from = row.Producer == ProducerKind.Grain
            ? $"{silo.OperatorName(row.OperatorId)}/{silo.KeyText(row.OperatorId, row.ProducerKey)}"
            : row.Producer.ToString();
        return $"{Partition.Name}@{new Offset(found.Offset)} from {from}";
    }

    private Dictionary<byte[], (LogBlock Block, int Start, long Offset)> Find()
    {
        var rows = new Dictionary<byte[], (LogBlock, int, long)>(ByteKeyComparer.Instance);
        foreach (LogBlock block in Partition.Log.WithSlots)
        {
            if (block.Buffer is null)
            {
                continue;
            }

            int at = 0;
            for (int i = 0; i < block.Count; i++)
            {
                Row.Parse(block.Rows[at..], block.BaseTime, out RowLayout row);
                if (block.IsVoid(row.Slot))
                {
                    rows.TryAdd(block.Rows.Slice(at + row.KeyAt, row.KeyLength).ToArray(), (block, at, block.First.Value + i));
                }

                at += row.Length;
            }
        }

        return rows;
    }
}

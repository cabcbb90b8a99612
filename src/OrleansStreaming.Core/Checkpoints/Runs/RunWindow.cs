namespace OrleansStreaming.Core;

/// <summary>
/// Some blocks of a run in memory, checked. Where the entries of a block begin is noted when it is searched first, so that
/// later searches need not read what lies before. Searched by the loop only.
/// </summary>
internal sealed class RunWindow(CheckpointRun run, int first, int end, ReadOnlyMemory<byte> bytes)
{
    private readonly int[]?[] _starts = new int[end - first][];

    public CheckpointRun Run { get; } = run;

    public int First { get; } = first;

    public int End { get; } = end;

    public ReadOnlyMemory<byte> Bytes { get; } = bytes;

    /// <summary>What it takes of memory, about, with the beginnings of its entries.</summary>
    public int ResidentBytes => Bytes.Length + (Bytes.Length / 4);

    /// <summary>The entries of a block.</summary>
    public ReadOnlySpan<byte> EntriesOf(int block, out long place)
    {
        ReadOnlySpan<byte> bytes = Bytes.Span.Slice((int)(Run.PlaceOf(block) - Run.PlaceOf(First)), Run.LengthOf(block));
        int at = sizeof(uint);
        Varint.Read(bytes, ref at);
        place = Run.PlaceOf(block) + at;
        return bytes[at..];
    }

    /// <summary>Looks for a grain in a block, whose entries are in the order of their hashes.</summary>
    public bool TryFind(int block, ulong hash, ReadOnlySpan<byte> key, out RunEntry entry)
    {
        ReadOnlySpan<byte> entries = EntriesOf(block, out long place);
        int[] starts = _starts[block - First] ??= FindStarts(entries, place);
        int low = 0, high = starts.Length;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (KeyHash.Compute(Read(entries, starts[middle]).Key) < hash)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        for (; low < starts.Length; low++)
        {
            entry = Read(entries, starts[low]);
            if (entry.Key.SequenceEqual(key))
            {
                return true;
            }

            if (KeyHash.Compute(entry.Key) != hash)
            {
                break;
            }
        }

        entry = default;
        return false;
    }

    private RunEntry Read(ReadOnlySpan<byte> entries, int at) => RunEntry.Read(entries, ref at, Run.BasePosition);

    private int[] FindStarts(ReadOnlySpan<byte> entries, long place)
    {
        var starts = new List<int>(entries.Length / 24);
        int at = 0;
        try
        {
            while (at < entries.Length)
            {
                starts.Add(at);
                RunEntry.Read(entries, ref at, Run.BasePosition);
            }
        }
        catch (Exception e) when (Varint.IsOutside(e))
        {
            throw new CorruptDataException(Run.Name, place + at, $"the block matches its checksum, but an entry ends outside of it: {e.Message}");
        }

        return [.. starts];
    }
}

namespace OrleansStreaming.Core;

/// <summary>
/// The next rows of a log with their grains. With many grains nearly every access to one is a cache miss; looked up some
/// rows ahead, the misses of several rows overlap instead of adding up (group prefetching: Chen, Ailamaki, Gibbons and Mowry,
/// 2004). Each kind is asked for in a pass of its own with little else in it: asking for a page that the processor has yet to
/// find holds up all that comes after, so no more overlap than fit into what it looks ahead.
/// </summary>
internal sealed class Lookahead
{
    /// <summary>About twice as many misses as a core can have under way, so that each pass waits once for many of them.</summary>
    private const int MaxRows = 48;

    /// <summary>How far ahead rows are fetched: they may have been appended long ago.</summary>
    private const int BytesAhead = 1024;

    private readonly Entry[] _entries = new Entry[MaxRows];

    /// <summary>The rows of the last <see cref="Read"/>.</summary>
    public ref readonly Entry this[int index] => ref _entries[index];

    /// <summary>Reads rows of a block from a place on; returns how many.</summary>
    public int Read(GrainMap grains, LogBlock block, int start, int count)
    {
        count = Math.Min(count, MaxRows);
        ReadOnlySpan<byte> rows = block.Rows;
        int at = start;
        for (int i = 0; i < count; i++)
        {
            ref Entry entry = ref _entries[i];
            Row.Parse(rows[at..], block.BaseTime, out entry.Row);
            entry.Start = at;
            entry.Hash = KeyHash.Compute(rows.Slice(at + entry.Row.KeyAt, entry.Row.KeyLength));
            at += entry.Row.Length;
            if (at + BytesAhead < rows.Length)
            {
                Memory.Prefetch(in rows[at + BytesAhead]);
            }
        }

        for (int i = 0; i < count; i++)
        {
            grains.Prefetch(_entries[i].Hash);
        }

        for (int i = 0; i < count; i++)
        {
            ref Entry entry = ref _entries[i];
            entry.Grain = grains.Find(entry.Hash, rows.Slice(entry.Start + entry.Row.KeyAt, entry.Row.KeyLength));
        }

        for (int i = 0; i < count; i++)
        {
            if (_entries[i].Grain is { } grain)
            {
                Memory.Prefetch(grain, Grain.TouchedBytes);
            }
        }

        for (int i = 0; i < count; i++)
        {
            if (_entries[i].Grain?.Instance is { } instance)
            {
                Memory.Prefetch(instance, Grain.TouchedInstanceBytes);
            }
        }

        return count;
    }

    /// <summary>Lets go of the grains.</summary>
    public void Clear() => Array.Clear(_entries);

    /// <summary>A row ahead.</summary>
    internal struct Entry
    {
        /// <summary>Where it lies in its block.</summary>
        public int Start;
        public RowLayout Row;

        /// <summary>The key's hash.</summary>
        public ulong Hash;

        /// <summary>Its grain; null when it is not in memory yet.</summary>
        public Grain? Grain;
    }
}

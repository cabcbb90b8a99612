namespace OrleansStreaming.Core;

/// <summary>
/// The next rows of a log with their grains. With many grains nearly every access to one is a cache miss; looked up a few
/// rows ahead, in three passes, the misses of several rows overlap instead of adding up (group prefetching: Chen, Ailamaki,
/// Gibbons and Mowry, 2004).
/// </summary>
internal sealed class Lookahead
{
    /// <summary>As many misses as a core can have under way, and some.</summary>
    private const int MaxRows = 24;

    /// <summary>The lines of a grain that a turn touches.</summary>
    private const int GrainLines = 2;

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
            int length = Row.ReadKey(rows[at..], out ReadOnlySpan<byte> key, out int keyAt);
            ulong hash = KeyHash.Compute(key);
            grains.Prefetch(hash);
            _entries[i] = new Entry(at, length, at + keyAt, key.Length, hash, null);
            at += length;
        }

        for (int i = 0; i < count; i++)
        {
            ref Entry entry = ref _entries[i];
            Grain? grain = grains.Find(entry.Hash, rows.Slice(entry.KeyAt, entry.KeyLength));
            if (grain is not null)
            {
                Memory.Prefetch(grain, GrainLines);
                entry = entry with { Grain = grain };
            }
        }

        for (int i = 0; i < count; i++)
        {
            if (_entries[i].Grain?.Instance is { } instance)
            {
                Memory.Prefetch(instance, 1);
            }
        }

        return count;
    }

    /// <summary>Lets go of the grains.</summary>
    public void Clear() => Array.Clear(_entries);

    /// <summary>A row ahead.</summary>
    /// <param name="Start">Where it lies in its block.</param>
    /// <param name="Length">Its length.</param>
    /// <param name="KeyAt">Where its key lies in the block.</param>
    /// <param name="KeyLength">The key's length.</param>
    /// <param name="Hash">The key's hash.</param>
    /// <param name="Grain">Its grain; null when it is not in memory yet.</param>
    internal readonly record struct Entry(int Start, int Length, int KeyAt, int KeyLength, ulong Hash, Grain? Grain);
}

namespace OrleansStreaming.Core;

/// <summary>
/// Brings copies into the order of a run: by hash, then by key. Hashes are spread evenly, so they are dealt into buckets of
/// a few by their size, and only those are sorted.
/// </summary>
internal sealed class CaptureSorter
{
    private const int PerBucket = 8;
    private SortKey[] _unsorted = [];
    private SortKey[] _sorted = [];
    private int[] _ends = [];

    /// <summary>Sorts a range of copies; returns their places in the buffer, in order.</summary>
    public ReadOnlySpan<SortKey> Sort(CaptureBuffer buffer, int start, int end)
    {
        int count = end - start;
        if (_unsorted.Length < count)
        {
            int length = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)count); // The next checkpoint has a few more.
            _unsorted = new SortKey[length];
            _sorted = new SortKey[length];
        }

        ulong lowest = ulong.MaxValue, highest = 0;
        for (int i = 0; i < count; i++)
        {
            ulong hash = buffer[start + i].Grain.Hash;
            _unsorted[i] = new SortKey(hash, start + i);
            lowest = Math.Min(lowest, hash);
            highest = Math.Max(highest, hash);
        }

        int buckets = (count / PerBucket) + 1;
        ulong width = Math.Max(1, ((highest - lowest) / (ulong)buckets) + 1);
        if (_ends.Length < buckets + 1)
        {
            _ends = new int[(int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)buckets + 1)];
        }

        Deal(_unsorted.AsSpan(0, count), lowest, width, _ends.AsSpan(0, buckets + 1));
        int from = 0;
        for (int i = 0; i < buckets; i++)
        {
            Span<SortKey> bucket = _sorted.AsSpan(from, _ends[i] - from);
            from = _ends[i];
            if (bucket.Length > 1)
            {
                bucket.Sort((a, b) => a.Hash != b.Hash ? a.Hash.CompareTo(b.Hash) : buffer[a.Index].Grain.Key.AsSpan().SequenceCompareTo(buffer[b.Index].Grain.Key));
            }
        }

        return _sorted.AsSpan(0, count);
    }

    /// <summary>The result of the last sort.</summary>
    public ReadOnlySpan<SortKey> Sorted(int count) => _sorted.AsSpan(0, count);

    private void Deal(ReadOnlySpan<SortKey> keys, ulong lowest, ulong width, Span<int> places)
    {
        // A division of 64 bits each would cost more than the rest: scale in floating point, where only the order counts.
        double scale = 1.0 / width;
        places.Clear();
        foreach (SortKey key in keys)
        {
            places[BucketOf(key.Hash, lowest, scale, places.Length - 1) + 1]++;
        }

        for (int i = 1; i < places.Length; i++)
        {
            places[i] += places[i - 1];
        }

        foreach (SortKey key in keys)
        {
            _sorted[places[BucketOf(key.Hash, lowest, scale, places.Length - 1)]++] = key;
        }
    }

    private static int BucketOf(ulong hash, ulong lowest, double scale, int buckets) => Math.Min(buckets - 1, (int)((hash - lowest) * scale));

    /// <summary>A copy to be sorted.</summary>
    internal readonly record struct SortKey(ulong Hash, int Index);
}

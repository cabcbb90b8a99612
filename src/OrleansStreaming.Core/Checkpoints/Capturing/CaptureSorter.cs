using System.Numerics;

namespace OrleansStreaming.Core;

/// <summary>
/// Brings copies into the order of a run: by hash, then by key. Hashes are spread evenly, so they are dealt into buckets of
/// a few by their size, and only those are sorted.
/// </summary>
internal sealed class CaptureSorter
{
    private const int PerBucket = 4;

    /// <summary>Buckets of more have been made so, by keys that were chosen for it: those are not sorted in a time that grows with the square.</summary>
    private const int MostToInsert = 32;
    private CapturedEntry[] _sorted = [];
    private int[] _ends = [];

    /// <summary>Sorts the copies of one operator.</summary>
    public ReadOnlySpan<CapturedEntry> Sort(CaptureBuffer buffer, ReadOnlySpan<CapturedEntry> entries)
    {
        int count = entries.Length;
        if (_sorted.Length < count)
        {
            _sorted = new CapturedEntry[(int)BitOperations.RoundUpToPowerOf2((uint)count)]; // The next checkpoint has a few more.
        }

        ulong lowest = ulong.MaxValue, highest = 0;
        foreach (ref readonly CapturedEntry entry in entries)
        {
            lowest = Math.Min(lowest, entry.Hash);
            highest = Math.Max(highest, entry.Hash);
        }

        int buckets = (count / PerBucket) + 1;
        ulong width = Math.Max(1, ((highest - lowest) / (ulong)buckets) + 1);
        if (_ends.Length < buckets + 1)
        {
            _ends = new int[(int)BitOperations.RoundUpToPowerOf2((uint)buckets + 1)];
        }

        Deal(entries, lowest, width, _ends.AsSpan(0, buckets + 1));
        for (int i = 0, from = 0; i < buckets; from = _ends[i++])
        {
            SortBucket(buffer, _sorted.AsSpan(from, _ends[i] - from));
        }

        return Sorted(count);
    }

    /// <summary>The result of the last sort.</summary>
    public ReadOnlySpan<CapturedEntry> Sorted(int count) => _sorted.AsSpan(0, count);

    private static void SortBucket(CaptureBuffer buffer, Span<CapturedEntry> bucket)
    {
        if (bucket.Length > MostToInsert)
        {
            SortMany(buffer, bucket);
            return;
        }

        for (int i = 1; i < bucket.Length; i++)
        {
            CapturedEntry entry = bucket[i];
            int at = i;
            for (; at > 0 && Compare(buffer, in entry, in bucket[at - 1]) < 0; at--)
            {
                bucket[at] = bucket[at - 1];
            }

            bucket[at] = entry;
        }
    }

    /// <summary>Apart, as a lambda takes memory wherever the method that has it is called.</summary>
    private static void SortMany(CaptureBuffer buffer, Span<CapturedEntry> bucket) => bucket.Sort((a, b) => Compare(buffer, in a, in b));

    private static int Compare(CaptureBuffer buffer, in CapturedEntry a, in CapturedEntry b) =>
        a.Hash != b.Hash ? (a.Hash < b.Hash ? -1 : 1) : buffer.KeyOf(a).SequenceCompareTo(buffer.KeyOf(b));

    private void Deal(ReadOnlySpan<CapturedEntry> entries, ulong lowest, ulong width, Span<int> places)
    {
        // A division of 64 bits each would cost more than the rest: scale in floating point, where only the order counts.
        double scale = 1.0 / width;
        places.Clear();
        foreach (ref readonly CapturedEntry entry in entries)
        {
            places[BucketOf(entry.Hash, lowest, scale, places.Length - 1) + 1]++;
        }

        for (int i = 1; i < places.Length; i++)
        {
            places[i] += places[i - 1];
        }

        foreach (ref readonly CapturedEntry entry in entries)
        {
            _sorted[places[BucketOf(entry.Hash, lowest, scale, places.Length - 1)]++] = entry;
        }
    }

    private static int BucketOf(ulong hash, ulong lowest, double scale, int buckets) => Math.Min(buckets - 1, (int)((hash - lowest) * scale));
}

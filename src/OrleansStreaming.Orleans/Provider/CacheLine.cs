namespace OrleansStreaming.Clustering;

/// <summary>What the cache has of one Orleans stream, and who reads it.</summary>
internal sealed class CacheLine(StreamId id)
{
    private readonly List<Slice> _slices = [];

    public StreamId Id { get; } = id;

    public HashSet<CacheCursor> Cursors { get; } = [];

    public bool IsEmpty => _slices.Count == 0 && Cursors.Count == 0;

    public Slice? First => _slices.Count == 0 ? null : _slices[0];

    public void Add(Slice slice) => _slices.Add(slice);

    public void RemoveFirst() => _slices.RemoveAt(0);

    /// <summary>Whether all readers have passed a slice.</summary>
    public bool HasPassed(Slice slice)
    {
        foreach (CacheCursor cursor in Cursors)
        {
            if (cursor.After < slice.Last)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The first slice with an event above an offset; null when there is none.</summary>
    public Slice? FindAfter(long offset)
    {
        int low = 0, high = _slices.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_slices[middle].Last > offset)
            {
                high = middle;
            }
            else
            {
                low = middle + 1;
            }
        }

        return low < _slices.Count ? _slices[low] : null;
    }
}

namespace OrleansStreaming.Core;

/// <summary>Where in a segment some of its frames are: one for every so many bytes, so that its size is bounded, and the end once it is known.</summary>
internal sealed class SparseIndex(long firstLsn, long firstPosition)
{
    private const long BytesPerEntry = 256 << 10;

    private readonly Lock _lock = new();
    private readonly List<(long Lsn, long Position)> _entries = [(firstLsn, firstPosition)];

    // Where the last read ended: a reader that goes on comes back for exactly this one.
    private (long Lsn, long Position) _last = (firstLsn, firstPosition);

    /// <summary>Notes where a checked frame begins, or the next one will.</summary>
    public void Add(long lsn, long position)
    {
        lock (_lock)
        {
            int at = Find(lsn);
            if (position - _entries[at].Position >= BytesPerEntry
                && (at + 1 == _entries.Count || _entries[at + 1].Position - position >= BytesPerEntry))
            {
                _entries.Insert(at + 1, (lsn, position));
            }
        }
    }

    /// <summary>Notes where the frame behind the last one would begin, however near the last entry is.</summary>
    public void AddEnd(long lsn, long position)
    {
        lock (_lock)
        {
            if (_entries[^1].Lsn < lsn)
            {
                _entries.Add((lsn, position));
            }
        }
    }

    /// <summary>Notes where a reader stopped.</summary>
    public void NoteEnd(long lsn, long position)
    {
        lock (_lock)
        {
            _last = (lsn, position);
        }
    }

    /// <summary>The nearest known frame that is not behind an LSN.</summary>
    public (long Lsn, long Position) AtOrBefore(long lsn)
    {
        lock (_lock)
        {
            int at = Find(lsn);
            return _last.Lsn <= lsn && _last.Lsn > _entries[at].Lsn ? _last : _entries[at];
        }
    }

    /// <summary>A position that no frame up to an LSN reaches beyond; the given one when none is known.</summary>
    public long EndOf(long lsn, long otherwise)
    {
        lock (_lock)
        {
            int after = Find(lsn) + 1;
            return after < _entries.Count ? _entries[after].Position : otherwise;
        }
    }

    /// <summary>The nearest known frame behind an LSN; null when none is known.</summary>
    public (long Lsn, long Position)? After(long lsn)
    {
        lock (_lock)
        {
            int after = Find(lsn) + 1;
            return after < _entries.Count ? _entries[after] : null;
        }
    }

    private int Find(long lsn)
    {
        int low = 0;
        int high = _entries.Count - 1;
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            if (_entries[middle].Lsn <= lsn)
            {
                low = middle;
            }
            else
            {
                high = middle - 1;
            }
        }

        return low;
    }
}

namespace OrleansStreaming.Core;

/// <summary>
/// What of an operator's input no committed checkpoint covers: the grains that have changed since theirs, and up to where all
/// is covered once the copies under way are committed.
/// </summary>
internal sealed class Coverage
{
    private GrainList _uncovered = new();
    private GrainList _capturing = new();
    private int _next;
    private int _fetched;
    private long _cursor = Offset.None.Value;
    private long _lowestLeft = long.MaxValue;

    /// <summary>No grain has changed, as far as is known.</summary>
    public bool IsEmpty => _uncovered.Count == 0 && _next >= _capturing.Count;

    /// <summary>About how many grains have changed since the copies under way were begun.</summary>
    public int Uncovered => _uncovered.Count;

    /// <summary>All up to here is covered by the copies under way and those before.</summary>
    public long CoveredTo => Math.Min(_cursor, _lowestLeft - 1);

    /// <summary>A grain has an event that no committed checkpoint covers.</summary>
    public void Add(Grain grain)
    {
        if (!grain.InUncovered)
        {
            grain.InUncovered = true;
            _uncovered.Add(grain);
        }
    }

    /// <summary>Begins to copy what has changed up to now; what changes from now on is for the next checkpoint.</summary>
    /// <param name="cursor">The last offset handed to grains.</param>
    public void Begin(long cursor)
    {
        (_capturing, _uncovered) = (_uncovered, _capturing);
        _next = _fetched = 0;
        _cursor = cursor;
        _lowestLeft = long.MaxValue;
    }

    /// <summary>The next grain to copy, null when there is none left.</summary>
    public Grain? Next()
    {
        if (_next >= _capturing.Count)
        {
            _capturing.Clear();
            _next = _fetched = 0;
            return null;
        }

        if (_next >= _fetched)
        {
            _fetched = _next + Fetch(_capturing.Span[_next..]);
        }

        Grain grain = _capturing[_next++];
        grain.InUncovered = false;
        return grain;
    }

    /// <summary>Has the memory of some grains fetched, each kind in a pass of its own, as <see cref="Lookahead"/> does; returns how many.</summary>
    private static int Fetch(ReadOnlySpan<Grain> grains)
    {
        grains = grains[..Math.Min(grains.Length, Memory.FetchedAhead)];
        foreach (Grain grain in grains)
        {
            Memory.Prefetch(grain, Grain.CheckpointedBytes);
        }

        foreach (Grain grain in grains)
        {
            Memory.Prefetch(grain.Key, Grain.TouchedKeyBytes);
            if (grain.Instance is { } instance)
            {
                Memory.Prefetch(instance, Grain.TouchedInstanceBytes);
            }
        }

        return grains.Length;
    }

    /// <summary>A grain cannot be copied now.</summary>
    public void Leave(Grain grain)
    {
        LeaveFrom(grain.UncoveredFrom);
        Add(grain);
    }

    /// <summary>The copy of a grain does not cover what it has yet to take, from some offset on.</summary>
    public void LeaveFrom(long offset) => _lowestLeft = Math.Min(_lowestLeft, offset);

    /// <summary>The copies under way are given up: what has not been looked at waits for the next.</summary>
    public void GiveUp()
    {
        while (Next() is { } grain)
        {
            Add(grain);
        }
    }
}

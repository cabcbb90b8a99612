namespace OrleansStreaming.Core;

/// <summary>
/// The grains of an operator that depend on other journals, in the order in which they came to, each with what it was before.
/// With partitions in several silos two of three events may add one and take one away some milliseconds later: entries lie
/// one after another, so that their memory is that of a short while ago, and their grains are fetched ahead.
/// </summary>
/// <param name="states">Keeps copies of states; null where those are not cheap: such grains go back to their checkpoints.</param>
internal sealed class UndoLog(StateCopies? states)
{
    private const int Smallest = 4; // Few, so that small tests see it grow.
    private const int Ahead = 8;

    /// <summary>Room for more than so many is given back once it is empty.</summary>
    private const int MostKept = 64 << 10;

    private readonly Ring<UndoEntry> _entries = new();

    /// <summary>The number of the oldest entry.</summary>
    public long First { get; private set; }

    /// <summary>The number of the next one.</summary>
    public long End { get; private set; }

    /// <summary>How many entries there are, with those that have been removed and stand before others.</summary>
    public int Count => (int)(End - First);

    /// <summary>Adds a grain as it is now, but for its state: that is the one before the turn. An entry that it has is replaced.</summary>
    /// <param name="grain">The grain, with its position and what it waits for as they were before the turn.</param>
    /// <param name="ownLsn">What it depended on in the own journal.</param>
    /// <param name="hasState">The state has been saved.</param>
    public void Add(Grain grain, long ownLsn, bool hasState)
    {
        Remove(grain);
        ref UndoEntry entry = ref Next();
        entry.Grain = grain;
        entry.OwnLsn = ownLsn;
        entry.Position = UndoEntry.NoCopy;
        if (hasState && states is not null)
        {
            states.Take(End);
            entry.Position = grain.Position;
            if (grain.Pending is { } pending)
            {
                entry.Pending = [.. pending];
            }
        }

        grain.UndoAt = End++;
    }

    /// <summary>What a grain was before; nothing when it has no entry, or one without a copy.</summary>
    public bool TryFind(Grain grain, out UndoEntry entry)
    {
        entry = grain.UndoAt >= 0 ? _entries[grain.UndoAt] : default;
        return entry.Grain is not null && entry.Position != UndoEntry.NoCopy;
    }

    /// <summary>Puts the copy of its state into an instance.</summary>
    public void Restore(Grain grain, OperatorGrain? instance) => states!.Restore(grain.UndoAt, instance);

    /// <summary>Takes the entry of a grain out, if it has one.</summary>
    public void Remove(Grain grain)
    {
        if (grain.UndoAt >= 0)
        {
            _entries[grain.UndoAt] = default;
            grain.UndoAt = Offset.None.Value;
        }
    }

    /// <summary>The grain of an entry; null when it has been removed.</summary>
    public Grain? GrainAt(long number) => _entries[number].Grain;

    /// <summary>The grain of the oldest entry, which must be there; null when it has been removed.</summary>
    public Grain? Peek()
    {
        if (Count > Ahead && _entries[First + Ahead].Grain is { } later)
        {
            Memory.Prefetch(later, Grain.TouchedBytes);
        }

        return _entries[First].Grain;
    }

    /// <summary>Takes the oldest entry out.</summary>
    public void Drop()
    {
        if (_entries[First].Grain is { } grain)
        {
            Remove(grain);
        }

        First++;
        if (First == End && _entries.Capacity > MostKept)
        {
            Resize(Smallest);
        }
    }

    /// <summary>Makes the oldest entry, which must not have been removed, the newest.</summary>
    public void Requeue()
    {
        ref UndoEntry to = ref Next(), from = ref _entries[First];
        Grain grain = from.Grain!;
        to = from;
        states?.Move(First, End);
        from = default;
        grain.UndoAt = End++;
        First++;
    }

    private ref UndoEntry Next()
    {
        if (Count == _entries.Capacity)
        {
            Resize(Math.Max(Smallest, Count * 2));
        }

        return ref _entries[End];
    }

    private void Resize(int capacity)
    {
        _entries.Resize(capacity, First, End);
        states?.Resize(capacity, First, End);
    }
}

/// <summary>What a grain was before it came to depend on other journals.</summary>
internal struct UndoEntry
{
    /// <summary>Stands for the position where there is no copy: before all others.</summary>
    public const long NoCopy = long.MinValue;

    /// <summary>The grain; null when the entry has been removed.</summary>
    public Grain? Grain;
    public List<PendingRequest>? Pending;
    public long Position;
    public long OwnLsn;
}

namespace OrleansStreaming.Core;

/// <summary>Grains of one operator in one partition by key: open addressing, hash and reference inline, no allocation to look up.</summary>
/// <param name="hashIsKey">
/// All keys are 64-bit numbers. Their hash is a bijection (<c>KeyHash.Compute</c> of eight bytes only multiplies by odd numbers,
/// rotates and shifts): equal hashes mean equal keys, and a grain's memory need not be touched to find it.
/// </param>
internal sealed class GrainMap(bool hashIsKey = false)
{
    /// <summary>Stands where a grain was removed, so that those behind it are found.</summary>
    private static readonly Grain Removed = new([], 0);

    private Entry[] _entries = new Entry[16];
    private int _used;

    public int Count { get; private set; }

    /// <summary>The positions that a sweep goes through.</summary>
    public int Capacity => _entries.Length;

    public Grain? Find(ulong hash, ReadOnlySpan<byte> key)
    {
        Entry[] entries = _entries;
        for (int i = (int)hash & (entries.Length - 1); ; i = (i + 1) & (entries.Length - 1))
        {
            ref readonly Entry entry = ref entries[i];
            if (entry.Grain is not { } grain)
            {
                return null;
            }

            if (entry.Hash == hash && !ReferenceEquals(grain, Removed) && (hashIsKey || key.SequenceEqual(grain.Key)))
            {
                return grain;
            }
        }
    }

    /// <summary>Has the memory that <see cref="Find"/> will look at fetched.</summary>
    public void Prefetch(ulong hash) => Memory.Prefetch(ref _entries[(int)hash & (_entries.Length - 1)]);

    /// <summary>Adds a grain whose key is not in the map.</summary>
    public void Add(Grain grain)
    {
        if (_used * 4 >= _entries.Length * 3)
        {
            Rehash();
        }

        int i = (int)grain.Hash & (_entries.Length - 1);
        while (_entries[i].Grain is { } other && !ReferenceEquals(other, Removed))
        {
            i = (i + 1) & (_entries.Length - 1);
        }

        if (_entries[i].Grain is null)
        {
            _used++;
        }

        _entries[i] = new Entry { Hash = grain.Hash, Grain = grain };
        Count++;
    }

    public void Remove(Grain grain)
    {
        for (int i = (int)grain.Hash & (_entries.Length - 1); ; i = (i + 1) & (_entries.Length - 1))
        {
            if (ReferenceEquals(_entries[i].Grain, grain))
            {
                _entries[i] = new Entry { Grain = Removed };
                Count--;
                return;
            }
        }
    }

    /// <summary>Looks at some grains from a position on, for sweeps in slices; returns the next position, 0 at the end.</summary>
    public int Sweep(int from, int count, Action<Grain> visit)
    {
        Entry[] entries = _entries;
        int i = from;
        for (; i < entries.Length && count > 0; i++, count--)
        {
            if (entries[i].Grain is { } grain && !ReferenceEquals(grain, Removed))
            {
                visit(grain);
            }
        }

        return i >= entries.Length ? 0 : i;
    }

    private void Rehash()
    {
        Entry[] old = _entries;
        _entries = new Entry[Count * 4 >= old.Length * 2 ? old.Length * 2 : old.Length];
        _used = Count;
        foreach (Entry entry in old)
        {
            if (entry.Grain is { } grain && !ReferenceEquals(grain, Removed))
            {
                int i = (int)entry.Hash & (_entries.Length - 1);
                while (_entries[i].Grain is not null)
                {
                    i = (i + 1) & (_entries.Length - 1);
                }

                _entries[i] = entry;
            }
        }
    }

    /// <summary>Of 16 bytes, so that none lies across two cache lines.</summary>
    private struct Entry
    {
        public ulong Hash;
        public Grain? Grain;
    }
}

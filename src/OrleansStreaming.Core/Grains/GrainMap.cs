namespace OrleansStreaming.Core;

/// <summary>Grains of one operator in one partition by key: open addressing, hash and reference inline, no allocation to look up.</summary>
internal sealed class GrainMap
{
    private const int Deleted = -1;
    private Entry[] _entries = new Entry[16];
    private int _used;

    public int Count { get; private set; }

    /// <summary>The positions that a sweep goes through.</summary>
    public int Capacity => _entries.Length;

    public Grain? Find(ulong hash, ReadOnlySpan<byte> key)
    {
        for (int i = (int)hash & (_entries.Length - 1); ; i = (i + 1) & (_entries.Length - 1))
        {
            ref readonly Entry entry = ref _entries[i];
            if (entry.Grain is null)
            {
                if (entry.KeyLength != Deleted)
                {
                    return null;
                }
            }
            else if (entry.Hash == hash && entry.KeyLength == key.Length && (key.Length == sizeof(ulong) || key.SequenceEqual(entry.Grain.Key)))
            {
                // The hash of eight bytes is a bijection (KeyHash.Compute(ulong) only multiplies by odd numbers, rotates and
                // shifts): equal hashes of two such keys mean equal keys, and the grain's memory need not be touched.
                return entry.Grain;
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
        while (_entries[i].Grain is not null)
        {
            i = (i + 1) & (_entries.Length - 1);
        }

        if (_entries[i].KeyLength != Deleted)
        {
            _used++;
        }

        _entries[i] = new Entry { Hash = grain.Hash, Grain = grain, KeyLength = grain.Key.Length };
        Count++;
    }

    public void Remove(Grain grain)
    {
        for (int i = (int)grain.Hash & (_entries.Length - 1); ; i = (i + 1) & (_entries.Length - 1))
        {
            if (ReferenceEquals(_entries[i].Grain, grain))
            {
                _entries[i] = new Entry { KeyLength = Deleted };
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
            if (entries[i].Grain is { } grain)
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
            if (entry.Grain is not null)
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

    private struct Entry
    {
        public ulong Hash;
        public Grain? Grain;

        /// <summary>Or <see cref="Deleted"/>.</summary>
        public int KeyLength;
    }
}

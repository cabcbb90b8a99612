namespace OrleansStreaming.Core;

/// <summary>
/// What a silo knows of all journals: how far each is durable, and where those are sealed whose seals it has applied.
/// </summary>
internal sealed class JournalTable
{
    private const long NotSealed = -1;
    private Entry[] _entries = new Entry[8];

    /// <summary>Grows with every change, so that sweeps can be skipped when nothing happened.</summary>
    public long Version { get; private set; }

    public long Durable(int journal) => journal < _entries.Length ? _entries[journal].Durable : 0;

    public bool IsDurable(int journal, long lsn) => Durable(journal) >= lsn;

    public bool IsSealed(int journal) => journal < _entries.Length && _entries[journal].Sealed;

    /// <summary>The last LSN of a sealed journal.</summary>
    public long SealedAt(int journal) => IsSealed(journal) ? _entries[journal].Durable : NotSealed;

    /// <summary>Takes a watermark. A late one, and one of a sealed journal, changes nothing.</summary>
    public bool Advance(int journal, long durable)
    {
        ref Entry entry = ref Get(journal);
        if (entry.Sealed || durable <= entry.Durable)
        {
            return false;
        }

        entry.Durable = durable;
        Version++;
        return true;
    }

    /// <summary>Applies a seal: what lies beyond is lost, all before is durable.</summary>
    public void Seal(int journal, long end)
    {
        ref Entry entry = ref Get(journal);
        if (!entry.Sealed && entry.Durable > end)
        {
            throw new ProtocolException($"journal {journal} was known durable up to {entry.Durable} but is sealed at {end}");
        }

        entry = new Entry { Durable = end, Sealed = true };
        Version++;
    }

    /// <summary>Whether a record is beyond the end of its sealed journal.</summary>
    public bool IsLost(int journal, long lsn) => IsSealed(journal) && lsn > _entries[journal].Durable;

    /// <summary>The first lost record that a vector depends on, if any.</summary>
    public bool FirstLost(CausalityVector? vector, out Dependency lost)
    {
        if (vector is not null)
        {
            foreach (ref readonly Dependency entry in vector.Entries)
            {
                if (IsLost(entry.Journal, entry.Lsn))
                {
                    lost = entry;
                    return true;
                }
            }
        }

        lost = default;
        return false;
    }

    public bool IsLost(CausalityVector? vector) => vector is not null && FirstLost(vector, out _);

    private ref Entry Get(int journal)
    {
        if (journal >= _entries.Length)
        {
            Array.Resize(ref _entries, Math.Max(journal + 1, _entries.Length * 2));
        }

        return ref _entries[journal];
    }

    private struct Entry
    {
        public long Durable;
        public bool Sealed;
    }
}

/// <summary>A rule of the protocol does not hold: a bug, and the silo stops rather than go on.</summary>
internal sealed class ProtocolException(string message) : InvalidOperationException(message);

using System.Text;

namespace OrleansStreaming.Core;

/// <summary>A dependency: everything in a journal up to an LSN.</summary>
internal readonly record struct Dependency(int Journal, long Lsn)
{
    public override string ToString() => $"J{Journal}:{Lsn}";
}

/// <summary>
/// What a grain, a record or a send depends on in other silos' journals and is not known to be durable: at most one LSN per
/// journal, sorted by journal. Immutable and shared; the empty vector is null, so that in a healthy system it costs nothing.
/// </summary>
/// <remarks>Transitive dependency vectors: Strom and Yemini, Optimistic Recovery in Distributed Systems, 1985.</remarks>
internal sealed class CausalityVector
{
    private readonly Dependency[] _entries;

    private CausalityVector(Dependency[] entries) => _entries = entries;

    public ReadOnlySpan<Dependency> Entries => _entries;

    public static CausalityVector? Of(ReadOnlySpan<Dependency> sortedEntries) =>
        sortedEntries.IsEmpty ? null : new CausalityVector(sortedEntries.ToArray());

    /// <summary>The LSN depended on in a journal, 0 when there is none.</summary>
    public long this[int journal]
    {
        get
        {
            foreach (ref readonly Dependency entry in _entries.AsSpan())
            {
                if (entry.Journal == journal)
                {
                    return entry.Lsn;
                }
            }

            return 0;
        }
    }

    /// <summary>The maximum per journal. Returns one of the arguments where it covers the other.</summary>
    public static CausalityVector? Merge(CausalityVector? a, CausalityVector? b)
    {
        if (ReferenceEquals(a, b) || b is null)
        {
            return a;
        }

        if (a is null)
        {
            return b;
        }

        if (a.Covers(b))
        {
            return a;
        }

        if (b.Covers(a))
        {
            return b;
        }

        Span<Dependency> merged = new Dependency[a._entries.Length + b._entries.Length];
        int i = 0, j = 0, n = 0;
        while (i < a._entries.Length || j < b._entries.Length)
        {
            if (j == b._entries.Length || (i < a._entries.Length && a._entries[i].Journal < b._entries[j].Journal))
            {
                merged[n++] = a._entries[i++];
            }
            else if (i == a._entries.Length || b._entries[j].Journal < a._entries[i].Journal)
            {
                merged[n++] = b._entries[j++];
            }
            else
            {
                merged[n++] = a._entries[i].Lsn >= b._entries[j].Lsn ? a._entries[i] : b._entries[j];
                i++;
                j++;
            }
        }

        return Of(merged[..n]);
    }

    /// <summary>Adds one dependency.</summary>
    public static CausalityVector With(CausalityVector? vector, int journal, long lsn) =>
        Merge(vector, new CausalityVector([new Dependency(journal, lsn)]))!;

    /// <summary>Leaves out the entry of a journal, where it is implied by the destination's own prefix.</summary>
    public CausalityVector? Without(int journal)
    {
        if (this[journal] == 0)
        {
            return this;
        }

        if (_entries.Length == 1)
        {
            return null;
        }

        var rest = new Dependency[_entries.Length - 1];
        int n = 0;
        foreach (ref readonly Dependency entry in _entries.AsSpan())
        {
            if (entry.Journal != journal)
            {
                rest[n++] = entry;
            }
        }

        return new CausalityVector(rest);
    }

    /// <summary>
    /// Drops what is durable. A vector that depends on a lost record must have been found to do so before: see
    /// <see cref="JournalTable.FirstLost"/>.
    /// </summary>
    public CausalityVector? Prune(JournalTable journals)
    {
        int kept = 0;
        foreach (ref readonly Dependency entry in _entries.AsSpan())
        {
            if (!journals.IsDurable(entry.Journal, entry.Lsn))
            {
                kept++;
            }
        }

        if (kept == _entries.Length)
        {
            return this;
        }

        if (kept == 0)
        {
            return null;
        }

        // Loops, not lambdas: called for every event, nearly always to return one of the two above.
        var left = new Dependency[kept];
        int n = 0;
        foreach (ref readonly Dependency entry in _entries.AsSpan())
        {
            if (!journals.IsDurable(entry.Journal, entry.Lsn))
            {
                left[n++] = entry;
            }
        }

        return new CausalityVector(left);
    }

    public override string ToString()
    {
        var text = new StringBuilder("{");
        foreach (Dependency entry in _entries)
        {
            text.Append(text.Length > 1 ? " " : null).Append(entry);
        }

        return text.Append('}').ToString();
    }

    private bool Covers(CausalityVector other)
    {
        foreach (ref readonly Dependency entry in other._entries.AsSpan())
        {
            if (this[entry.Journal] < entry.Lsn)
            {
                return false;
            }
        }

        return true;
    }
}

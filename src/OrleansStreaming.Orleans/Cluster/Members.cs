using OrleansStreaming.Core;

namespace OrleansStreaming.Clustering;

/// <summary>What the record of journals and Orleans' membership come to. Pure: the same from the same.</summary>
internal sealed class Members
{
    /// <summary>The silos that partitions are placed on, sorted.</summary>
    public List<string> Places { get; } = [];

    /// <summary>The journals that live silos write, by the silo's name.</summary>
    public Dictionary<string, int> Live { get; } = [];

    /// <summary>The process of each of those journals.</summary>
    public Dictionary<int, SiloAddress> Writers { get; } = [];

    /// <summary>Journals that nobody writes any more and that are not sealed.</summary>
    public HashSet<int> Dead { get; } = [];

    /// <summary>Processes that write journals and that membership does not know: gone, or newer than what is known of membership.</summary>
    public List<string> Unclear { get; } = [];

    /// <summary>Processes that live on although another one has taken their name.</summary>
    public List<(string Name, SiloAddress Older, SiloAddress Newer)> Replaced { get; } = [];

    /// <summary>What a process knows beside record and membership.</summary>
    /// <param name="Host">This process.</param>
    /// <param name="Journal">The journal that it writes; -1 for none.</param>
    /// <param name="Ended">Journals whose writers are gone though their processes live.</param>
    /// <param name="Leaving">Processes that want no partitions.</param>
    /// <param name="Gone">Processes that membership did not know when it was asked after they had written.</param>
    internal sealed record Known(string Host, int Journal, IReadOnlySet<int> Ended, IReadOnlySet<string> Leaving, IReadOnlySet<string> Gone);

    public static Members Of(ClusterRecord record, ClusterMembershipSnapshot snapshot, Known known)
    {
        var members = new Members();
        var sealedOnes = record.Seals.Select(s => s.Journal).ToHashSet();
        for (int journal = record.Journals.Count - 1; journal >= 0; journal--) // The newest of a process is the one that it writes.
        {
            if (!sealedOnes.Contains(journal))
            {
                members.Take(journal, record.Journals[journal], snapshot, known);
            }
        }

        members.Places.Sort(StringComparer.Ordinal);
        return members;
    }

    private void Take(int journal, JournalInfo info, ClusterMembershipSnapshot snapshot, Known known)
    {
        if (info.Host is null || known.Ended.Contains(journal) || known.Gone.Contains(info.Host))
        {
            Dead.Add(journal);
            return;
        }

        var address = SiloAddress.FromParsableString(info.Host);
        if (!snapshot.Members.TryGetValue(address, out ClusterMember? member) && info.Host != known.Host)
        {
            Unclear.Add(info.Host);
            return;
        }

        if (member?.Status == MemberStatus.Dead)
        {
            Dead.Add(journal);
        }
        else if (!Live.TryGetValue(info.Silo, out int newer))
        {
            if (info.Host == known.Host && journal != known.Journal)
            {
                return; // Being registered, or an earlier one of this process: it says so itself.
            }

            Live[info.Silo] = journal;
            Writers[journal] = address;
            if (member?.Status == MemberStatus.Active && !known.Leaving.Contains(info.Host))
            {
                Places.Add(info.Silo);
            }
        }
        else
        {
            Dead.Add(journal);
            if (!Writers[newer].Equals(address))
            {
                Replaced.Add((info.Silo, address, Writers[newer]));
            }
        }
    }
}

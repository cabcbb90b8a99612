using OrleansStreaming.Core;

namespace OrleansStreaming.Clustering;

/// <summary>What the record of journals and Orleans' membership come to. Pure: the same from the same.</summary>
internal sealed class Members
{
    /// <summary>
    /// The silos that partitions are placed on, sorted: those that stay, or where none does, those that stop together: until
    /// then, what they send must find an owner. Not those that hand theirs over or have come to rest, as they claim nothing.
    /// </summary>
    public List<string> Places { get; } = [];

    /// <summary>The processes that are to go on.</summary>
    public HashSet<SiloAddress> Staying { get; } = [];

    /// <summary>Some silo is to go on.</summary>
    public bool AnyStays => Staying.Count > 0;

    /// <summary>The journals that live silos write, by the silo's name.</summary>
    public Dictionary<string, int> Live { get; } = [];

    /// <summary>The process of each of those journals.</summary>
    public Dictionary<int, SiloAddress> Writers { get; } = [];

    /// <summary>Journals that nobody writes any more and that are not sealed.</summary>
    public HashSet<int> Dead { get; } = [];

    /// <summary>Processes that write journals and that membership does not know: gone, or newer than what is known of membership.</summary>
    public List<string> Unclear { get; } = [];

    private readonly Dictionary<string, string> _names = [];

    /// <summary>The name of a process in this view; null when it writes nothing.</summary>
    public string? NameOf(string host) => _names.GetValueOrDefault(host);

    /// <summary>What a process knows beside record and membership.</summary>
    /// <param name="Host">This process.</param>
    /// <param name="Journal">The journal that it writes; -1 for none.</param>
    /// <param name="Ended">Journals whose writers are gone though their processes live.</param>
    /// <param name="Leaving">Processes that want no partitions.</param>
    /// <param name="Gone">Processes that membership did not know when it was asked after they had written.</param>
    /// <param name="ClaimingNothing">Those of them that leave their partitions to processes that stay, or have come to rest.</param>
    internal sealed record Known(
        string Host, int Journal, IReadOnlySet<int> Ended, IReadOnlySet<string> Leaving, IReadOnlySet<string> Gone, IReadOnlySet<string> ClaimingNothing);

    public static Members Of(ClusterRecord record, ClusterMembershipSnapshot snapshot, Known known)
    {
        var members = new Members();
        var sealedOnes = record.Seals.Select(s => s.Journal).ToHashSet();
        var live = new Dictionary<string, (int Journal, string Silo, bool Takes)>();
        for (int journal = record.Journals.Count - 1; journal >= 0; journal--) // The newest of a process is the one that it writes.
        {
            if (!sealedOnes.Contains(journal))
            {
                members.Take(journal, record.Journals[journal], snapshot, known, live);
            }
        }

        bool anyClaims = live.Keys.Any(host => !known.ClaimingNothing.Contains(host));
        foreach ((string host, (int journal, string silo, bool takes)) in live)
        {
            // Names are the application's, and it may have given one twice.
            string name = live.Values.Count(l => l.Silo == silo) == 1 ? silo : $"{silo}@{host}";
            members._names[host] = name;
            members.Live[name] = journal;
            if (takes || (!members.AnyStays && !(anyClaims && known.ClaimingNothing.Contains(host))))
            {
                members.Places.Add(name);
            }
        }

        members.Places.Sort(StringComparer.Ordinal);
        return members;
    }

    private void Take(int journal, JournalInfo info, ClusterMembershipSnapshot snapshot, Known known, Dictionary<string, (int Journal, string Silo, bool Takes)> live)
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
        }
        else if (member?.Status == MemberStatus.Dead || live.ContainsKey(info.Host))
        {
            Dead.Add(journal);
        }
        else if (info.Host != known.Host || journal == known.Journal) // Else it is being registered, or has ended and says so itself.
        {
            bool takes = member?.Status == MemberStatus.Active && !known.Leaving.Contains(info.Host);
            live[info.Host] = (journal, info.Silo, takes);
            Writers[journal] = address;
            if (takes)
            {
                Staying.Add(address);
            }
        }
    }
}

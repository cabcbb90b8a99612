namespace OrleansStreaming.Core;

/// <summary>Deletes what no partition's manifest needs any more. One silo does it for all, now and then.</summary>
internal sealed partial class Silo
{
    private readonly HashSet<int> _deletedJournals = [];

    /// <summary>Manifests as they were read last. Used by the one request that trims.</summary>
    private readonly Dictionary<string, (string Tag, IReadOnlyList<Ownership> Owners)> _ownersRead = [];
    private long _trimmedMs;
    private bool _trimming;

    /// <summary>How often journals have been trimmed.</summary>
    public long Trims { get; private set; }

    private void TrimJournals()
    {
        if (_trimming || NowMs - _trimmedMs < Options.TrimEveryMs || Phase != SiloPhase.Running
            || Membership?.Live.Keys.Order(StringComparer.Ordinal).FirstOrDefault() != Name)
        {
            return;
        }

        _trimming = true;
        _trimmedMs = NowMs;

        // Ends are taken before manifests are read: a claim that is missed writes behind them.
        var ends = new Dictionary<int, long>();
        for (int journal = 0; journal < Cluster.Journals.Count; journal++)
        {
            if (!_deletedJournals.Contains(journal))
            {
                ends[journal] = Journals.IsSealed(journal) ? long.MaxValue : Journals.Durable(journal);
            }
        }

        string[] records = [.. Ownerships.All.Select(p => Ownerships.NameOf(p.Id)).Concat(Options.RetiredPartitions).Select(PartitionManifest.RecordName)];
        IReadOnlyList<JournalInfo> journals = Cluster.Journals;
        Submit(new Request<List<int>>(
            "trim journals",
            async (storage, cancel) =>
            {
                var needed = new Dictionary<int, long>(ends);
                foreach (string record in records)
                {
                    if (await storage.ReadRecordAsync(record, cancel).ConfigureAwait(false) is { } stored)
                    {
                        if (!_ownersRead.TryGetValue(record, out (string Tag, IReadOnlyList<Ownership> Owners) read) || read.Tag != stored.Tag)
                        {
                            _ownersRead[record] = read = (stored.Tag, PartitionManifest.Parse(record, stored.Content.Span).Owners);
                        }

                        foreach (Ownership owner in read.Owners)
                        {
                            if (needed.TryGetValue(owner.Journal, out long lowest) && !(Mutations.TrimSealed && ends[owner.Journal] == long.MaxValue))
                            {
                                needed[owner.Journal] = Math.Min(lowest, owner.NeededFrom);
                            }
                        }
                    }
                }

                var deleted = new List<int>();
                foreach ((int journal, long lowest) in needed)
                {
                    await storage.TrimJournalAsync(journals[journal].Name, lowest, cancel).ConfigureAwait(false);
                    if (lowest == long.MaxValue)
                    {
                        deleted.Add(journal);
                    }
                }

                return deleted;
            },
            (deleted, error) =>
            {
                _trimming = false;
                if (error is not null)
                {
                    Log.StorageFailed(Name, "journals", error);
                    return;
                }

                Trims++;
                _deletedJournals.UnionWith(deleted!);
            }));
    }
}

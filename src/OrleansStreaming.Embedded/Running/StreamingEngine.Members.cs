using System.Collections.Concurrent;
using OrleansStreaming.Core;
using OrleansStreaming.Embedded;

namespace OrleansStreaming;

/// <summary>Who lives: in one process the engine knows.</summary>
public sealed partial class StreamingEngine
{
    private readonly Lock _membersLock = new();
    private readonly ConcurrentDictionary<int, SiloIncarnation> _byJournal = new();
    private readonly ConcurrentDictionary<int, long> _losses = new();
    private readonly ConcurrentDictionary<string, int> _journalIds = new();
    private readonly Dictionary<string, int> _live = [];
    private readonly HashSet<int> _dead = [];

    internal SiloIncarnation? FindIncarnation(int journal) => _byJournal.GetValueOrDefault(journal);

    /// <summary>A new incarnation takes part.</summary>
    internal void Join(SiloIncarnation incarnation, int journal)
    {
        lock (_membersLock)
        {
            _byJournal[journal] = incarnation;
            _journalIds[incarnation.Silo.Journal.Name] = journal;
            _live[incarnation.Silo.Name] = journal;
            PublishView();
        }
    }

    /// <summary>An incarnation is over: its journal is to be sealed, its partitions to be taken over.</summary>
    internal void DeclareDead(SiloIncarnation incarnation)
    {
        int journal = incarnation.Silo.Journal.Id;
        KeepReports(incarnation);
        if (journal < 0)
        {
            return;
        }

        lock (_membersLock)
        {
            _byJournal.TryRemove(journal, out _);
            _live.Remove(incarnation.Silo.Name);
            _dead.Add(journal);
            PublishView();
        }
    }

    internal void RecordLoss(int journal, long records) => _losses[journal] = records;

    internal SiloOptions SiloOptions() => Tune(new SiloOptions
    {
        Deployment = Deployment,
        RetiredPartitions = _retiredPartitions,
        Blocking = Watchdog.Blocking,
        FlushEveryMs = (long)Math.Max(Options.FlushEvery.TotalMilliseconds, Storage.AppendEvery.TotalMilliseconds),
        CheckpointEveryMs = (long)Options.CheckpointEvery.TotalMilliseconds,
        CheckpointOverhead = Options.CheckpointOverhead,
        RecoveryTargetMs = Math.Max(1, (long)Options.RecoveryTarget.TotalMilliseconds),
        MemoryBudgetBytes = Math.Max(1 << 20, Options.MemoryBudgetBytes / Options.Silos),
        ArchiveAfterMs = (long)Options.ArchiveAfter.TotalMilliseconds,
        MaxUnflushedBytes = Options.MaxUnflushedBytes,
        MaxBacklogBytes = Options.MaxBacklogBytes,
        MaxProducers = Options.MaxProducers,
        ProducerIdleMs = (long)Options.ProducerIdle.TotalMilliseconds,
    });

    private void PublishView()
    {
        var view = new MembershipView(
            [.. _hosts.Select(h => h.Name)],
            new Dictionary<string, int>(_live),
            new HashSet<int>(_dead));
        foreach (SiloIncarnation member in _byJournal.Values)
        {
            member.Post(view);
        }
    }
}

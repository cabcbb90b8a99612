using System.Diagnostics;

namespace OrleansStreaming.Benchmarks;

/// <summary>What a policy takes back and processes again on the surviving silos.</summary>
internal readonly record struct Blast(long RolledBackGrains, long ReplayedEvents);

/// <summary>
/// Computes from the traces of all silos what the loss of one of them required, and what happened. The oracle follows events,
/// not vectors: an event that the dead silo had processed for the first operator and lost is named by its number, and so is
/// what stems from it.
/// </summary>
internal sealed class RecoveryAnalysis
{
    private readonly SiloTrace _dead;
    private readonly Survivor[] _survivors;
    private readonly HashSet<long> _lost;
    private readonly Dictionary<(int Partition, long Offset), long> _numbers = [];

    /// <param name="traces">One of each silo.</param>
    /// <param name="dead">The name of the dead one.</param>
    /// <param name="journal">Its journal.</param>
    public RecoveryAnalysis(IReadOnlyList<SiloTrace> traces, string dead, int journal)
    {
        _dead = traces.Single(t => t.Silo == dead);
        foreach (SiloTrace trace in traces)
        {
            foreach (AppendedEvent appended in trace.AppendedEvents)
            {
                _numbers[(appended.Grain.Partition, appended.Offset)] = appended.Number;
            }
        }

        SealedAt = traces.Where(t => t != _dead).SelectMany(t => t.Seals).First(s => s.Journal == journal).End;
        _lost = [.. _dead.AppendedEvents.Where(a => a.Lsn > SealedAt && _dead.HopOf(a.Grain.Partition) == 0).Select(a => a.Number)];
        _survivors = [.. traces.Where(t => t != _dead).Select(t => new Survivor(t, t.Seals.Single(s => s.Journal == journal), this))];
    }

    /// <summary>The last frame of the dead silo's journal that was durable.</summary>
    public long SealedAt { get; }

    /// <summary>Events that the first operator had got on the dead silo and that were lost with its journal.</summary>
    public int LostEvents => _lost.Count;

    /// <summary>Grains of survivors that depended on something lost: computed.</summary>
    public int DependentGrains => _survivors.Sum(s => s.Dependent.Count);

    /// <summary>Grains that were rolled back and should not have been, or the other way round.</summary>
    public int WrongGrains => _survivors.Sum(s => s.Dependent.Count(g => !s.Trace.RolledBackGrains.Contains(g)) + s.Trace.RolledBackGrains.Count(g => !s.Dependent.Contains(g)));

    /// <summary>What the product did.</summary>
    public Blast Exact => new(_survivors.Sum(s => (long)s.Trace.RolledBackGrains.Count), _survivors.Sum(s => s.Replayed.LongCount()));

    /// <summary>What rolling back whole silos that depend, to their checkpoints, would have done at that moment.</summary>
    public Blast Silo => Sum(_survivors.Where(s => s.Dependent.Count > 0));

    /// <summary>What rolling back all silos to their checkpoints would have done.</summary>
    public Blast Global => Sum(_survivors);

    /// <summary>Events that the dependent grains had processed behind the first lost one, and that were not lost: the least that any policy replays.</summary>
    public long LeastReplayedEvents => _survivors.Sum(s => s.LeastReplayed);

    /// <summary>Events of the dead silo's partitions that are durable and not in its checkpoints, and the grains among theirs that have one: computed.</summary>
    public (long Events, long Grains) ToRestore()
    {
        // A partition may have been another's when the grains had their first events, and its checkpoints then are by that one.
        Dictionary<GrainId, long> committed = Committed(_survivors.SelectMany(s => s.Trace.CommittedPositions.Take(s.Cut.Committed)).Concat(_dead.CommittedPositions));
        HashSet<(int, long)> processed = [.. Restored().Select(c => (c.Grain.Partition, c.Offset))];

        // Whether a checkpoint that was being committed counts, only its partition's manifest knew: what it covers was not processed again.
        foreach (var partition in _dead.CommittingPositions.Where(c => c.Position > committed.GetValueOrDefault(c.Grain, -1)).ToLookup(c => c.Grain.Partition))
        {
            if (!partition.Any(c => processed.Contains((c.Grain.Partition, c.Position))))
            {
                foreach ((GrainId grain, long position) in partition)
                {
                    committed[grain] = position;
                }
            }
        }

        AppendedEvent[] events = [.. _dead.AppendedEvents.Where(a => a.Lsn <= SealedAt && a.Offset > committed.GetValueOrDefault(a.Grain, -1))];
        return (events.Length, events.Select(e => e.Grain).Distinct().Count(committed.ContainsKey));
    }

    /// <summary>What the new owners of the dead silo's partitions processed of what it had appended, and grains that they brought back from checkpoints for that.</summary>
    public (long Events, long Grains) WasRestored()
    {
        ConsumedEvent[] events = [.. Restored()];
        HashSet<GrainId> theirs = [.. events.Select(e => e.Grain)];
        return (events.Length, _survivors.SelectMany(s => s.Trace.RestoredGrains).Where(r => r.Position >= 0 && theirs.Contains(r.Grain)).Select(r => r.Grain).Distinct().Count());
    }

    /// <summary>When the first event was processed in a partition of the dead silo.</summary>
    public long FirstEventTicks()
    {
        HashSet<int> partitions = [.. _dead.AppendedEvents.Select(a => a.Grain.Partition)];
        return _survivors.SelectMany(s => s.Trace.ConsumedEvents.Skip(s.Cut.Consumed)).Where(c => partitions.Contains(c.Grain.Partition)).Select(c => c.Ticks).DefaultIfEmpty(long.MaxValue).Min();
    }

    /// <summary>When the last event that had to be processed again was.</summary>
    public long AllRecoveredTicks() => _survivors.SelectMany(s => s.Replayed).Concat(Restored()).Select(c => c.Ticks).DefaultIfEmpty(0).Max();

    /// <summary>By how much fewer first events the survivors' own partitions processed behind the declaration than before the kill.</summary>
    /// <param name="killed">When the silo was killed.</param>
    /// <param name="declared">When it was declared dead.</param>
    /// <param name="window">How long it is looked at, before and behind.</param>
    public double DipPercent(long killed, long declared, TimeSpan window)
    {
        long ticks = (long)(window.TotalSeconds * Stopwatch.Frequency);
        HashSet<int> untouched = [.. _survivors.SelectMany(s => s.Trace.ConsumedEvents.Take(s.Cut.Consumed).Where(c => s.Trace.HopOf(c.Grain.Partition) == 0).Select(c => c.Grain.Partition))];
        long Count(long from) => _survivors.Sum(s => s.Trace.ConsumedEvents.LongCount(c => c.Ticks >= from && c.Ticks < from + ticks && untouched.Contains(c.Grain.Partition)));
        return 100 * (1 - ((double)Count(declared) / Count(killed - ticks)));
    }

    private IEnumerable<ConsumedEvent> Restored()
    {
        HashSet<(int, long)> old = [.. _dead.AppendedEvents.Select(a => (a.Grain.Partition, a.Offset))];
        return _survivors.SelectMany(s => s.Trace.ConsumedEvents.Skip(s.Cut.Consumed)).Where(c => old.Contains((c.Grain.Partition, c.Offset)));
    }

    private static Blast Sum(IEnumerable<Survivor> silos) => silos.Select(s => s.ToCheckpoints()).Aggregate(default(Blast), (a, b) => new Blast(a.RolledBackGrains + b.RolledBackGrains, a.ReplayedEvents + b.ReplayedEvents));

    private static Dictionary<GrainId, long> Committed(IEnumerable<(GrainId Grain, long Position)> positions)
    {
        var committed = new Dictionary<GrainId, long>();
        foreach ((GrainId grain, long position) in positions)
        {
            committed[grain] = position;
        }

        return committed;
    }

    private bool StemsFromLost(in ConsumedEvent consumed, SiloTrace by) =>
        by.HopOf(consumed.Grain.Partition) > 0 && _lost.Contains(_numbers[(consumed.Grain.Partition, consumed.Offset)]);

    /// <summary>A surviving silo, before and after it applied the seal. What it processed before cannot stem from a lost event that came in again: those come later.</summary>
    private sealed class Survivor
    {
        private readonly RecoveryAnalysis _all;
        private readonly Dictionary<GrainId, long> _last = [];

        public Survivor(SiloTrace trace, AppliedSeal cut, RecoveryAnalysis all)
        {
            (Trace, Cut, _all) = (trace, cut, all);
            foreach (ConsumedEvent consumed in Before)
            {
                _last[consumed.Grain] = consumed.Offset;
                if (all.StemsFromLost(in consumed, trace))
                {
                    Dependent.Add(consumed.Grain);
                }
                else if (Dependent.Contains(consumed.Grain))
                {
                    LeastReplayed++;
                }
            }

            Replayed = [.. trace.ConsumedEvents.Skip(cut.Consumed).Where(c => trace.RolledBackGrains.Contains(c.Grain) && c.Offset <= _last[c.Grain])];
        }

        public SiloTrace Trace { get; }

        public AppliedSeal Cut { get; }

        public HashSet<GrainId> Dependent { get; } = [];

        public long LeastReplayed { get; }

        /// <summary>What grains that were rolled back processed once more.</summary>
        public ConsumedEvent[] Replayed { get; }

        private IEnumerable<ConsumedEvent> Before => Trace.ConsumedEvents.Take(Cut.Consumed);

        /// <summary>All grains in memory go back to their checkpoints and process again what these do not cover and was not lost.</summary>
        public Blast ToCheckpoints()
        {
            Dictionary<GrainId, long> committed = Committed(Trace.CommittedPositions.Take(Cut.Committed));
            return new Blast(_last.Count, Before.LongCount(c => c.Offset > committed.GetValueOrDefault(c.Grain, -1) && !_all.StemsFromLost(in c, Trace)));
        }
    }
}

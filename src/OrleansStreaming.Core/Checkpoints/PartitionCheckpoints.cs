namespace OrleansStreaming.Core;

/// <summary>
/// Checkpoints of one partition: copies of the grains that changed, written in the background and committed in the manifest
/// once (a) what they depend on is stable and (b) every output of the inputs they cover is durable where it went. No
/// barriers: each grain is copied at a turn boundary of its own.
/// </summary>
internal sealed partial class PartitionCheckpoints(Silo silo, Partition partition)
{
    private List<(OperatorHost Host, Grain Grain)> _uncovered = [];
    private Candidate? _candidate;
    private long _lastMs = silo.NowMs;
    private long _bytesAtLast;
    private long _bytesAtCommit;
    private bool _forced;

    /// <summary>The committed checkpoints.</summary>
    public CheckpointIndex Index { get; } = new();

    /// <summary>Everything that this partition has read is covered by committed checkpoints and released.</summary>
    public bool IsClean => _uncovered.Count == 0 && _candidate is null && !HasNews();

    public bool InProgress => _candidate is not null;

    /// <summary>A grain has an event that no committed checkpoint covers.</summary>
    public void AddUncovered(OperatorHost host, Grain grain) => _uncovered.Add((host, grain));

    /// <summary>Begins the next checkpoint now, whatever the interval says.</summary>
    public void Force() => _forced = true;

    /// <summary>Drops the checkpoint under way, unless it is being committed.</summary>
    public void GiveUp()
    {
        if (_candidate is { Phase: not CandidatePhase.Committing } candidate)
        {
            Abandon(candidate);
        }
    }

    /// <summary>Wakes the grains that wait for timers or answers.</summary>
    public void WakeGrains()
    {
        foreach ((int operatorId, byte[] key, CheckpointEntry entry) in Index.All())
        {
            if (entry.HasPending && !Mutations.LetSleep)
            {
                partition.HostOf(operatorId)?.Wake(key);
            }
        }
    }

    /// <summary>Goes on as far as it can.</summary>
    public void Step()
    {
        if (_candidate is null)
        {
            bool due = _forced || silo.NowMs - _lastMs >= silo.Options.CheckpointEveryMs
                || silo.Counters.JournalBytes - _bytesAtLast >= silo.Options.CheckpointBytes;
            if (!due || partition.Manifest.Busy || partition.TurnsStopped)
            {
                return;
            }

            _forced = false;
            _lastMs = silo.NowMs;
            _bytesAtLast = silo.Counters.JournalBytes;
            if (_uncovered.Count == 0 && !HasNews())
            {
                return;
            }

            _candidate = new Candidate();
        }

        if (_candidate.Phase == CandidatePhase.Capturing)
        {
            Capture(_candidate);
        }

        if (_candidate.Phase == CandidatePhase.Written && IsCommittable(_candidate) && !partition.Manifest.Busy && !partition.TurnsStopped)
        {
            Commit(_candidate);
        }
    }

    /// <summary>Drops a candidate that depends on a lost record; the grains stay uncovered.</summary>
    public void ApplySeal()
    {
        if (_candidate is { Phase: not CandidatePhase.Committing } candidate && silo.Journals.IsLost(candidate.Vector))
        {
            Abandon(candidate);
        }
    }

    private void Abandon(Candidate candidate)
    {
        candidate.Dropped = true;
        foreach ((_, Grain grain, _) in candidate.Captured)
        {
            grain.CapturedAt = grain.UncoveredAfterCapture = Offset.None.Value;
        }

        _candidate = null;
        _forced = true;
    }

    /// <summary>Copies some grains; the copies of one checkpoint need not be of one moment.</summary>
    private void Capture(Candidate candidate)
    {
        int end = Math.Min(_uncovered.Count, candidate.Next + silo.Options.CaptureGrainsPerStep);
        for (; candidate.Next < end; candidate.Next++)
        {
            (OperatorHost host, Grain grain) = _uncovered[candidate.Next];
            if (grain.IsIdle && grain.Position >= grain.UncoveredFrom)
            {
                (int at, int length) = candidate.Run.Add(host.Type, grain);
                grain.CapturedAt = grain.Position;
                silo.Probe?.Captured(host, grain);
                var entry = new CheckpointEntry(string.Empty, at, length, grain.Position, grain.Pending is { Count: > 0 });
                candidate.Captured.Add((host, grain, entry));
                candidate.Vector = CausalityVector.Merge(candidate.Vector, grain.Foreign?.Prune(silo.Journals));
            }
        }

        if (candidate.Next < _uncovered.Count)
        {
            return;
        }

        candidate.Lsn = silo.Journal.LastLsn;
        candidate.SendMark = silo.Outbox.Mark();
        StartWriting(candidate);
    }

    private bool IsCommittable(Candidate candidate)
    {
        candidate.Vector = candidate.Vector?.Prune(silo.Journals);
        return (candidate.Vector is null || Mutations.CommitUnstable)
            && silo.Journals.IsDurable(silo.Journal.Id, candidate.Lsn)
            && (silo.Outbox.IsAcknowledged(candidate.SendMark) || Mutations.CommitUnsent);
    }

    private void Commit(Candidate candidate)
    {
        PartitionManifest before = partition.Manifest.Current;
        if (candidate.RunName is null || before.Runs.Any(r => r.Name == candidate.RunName))
        {
            candidate.InManifest = candidate.RunName is not null;
        }

        PartitionManifest next = Compose(before, candidate);
        if (candidate.RunName is null && candidate.Table is null && IsSame(before, next))
        {
            _candidate = null; // Nothing has moved.
            return;
        }

        candidate.Phase = CandidatePhase.Committing;
        foreach ((OperatorHost host, Grain grain, CheckpointEntry entry) in candidate.Captured)
        {
            silo.Probe?.Committing(host, grain, entry.Position);
        }

        if (Mutations.AnnounceEarly)
        {
            Announce(before, next);
        }

        partition.Manifest.Write(next, landed =>
        {
            if (partition.Lost)
            {
                return;
            }

            if (landed)
            {
                Committing(candidate, before);
            }
            else
            {
                candidate.Phase = CandidatePhase.Written;
            }
        });
    }

    private void Committing(Candidate candidate, PartitionManifest before)
    {
        _candidate = null;
        _bytesAtCommit = silo.Counters.JournalBytes;
        silo.Counters.Checkpoints++;
        PartitionManifest now = partition.Manifest.Current;
        foreach ((int operatorId, byte[] key, CheckpointEntry entry) in candidate.Moved)
        {
            Index.Set(operatorId, key, entry);
        }

        foreach ((OperatorHost host, Grain grain, CheckpointEntry entry) in candidate.Captured)
        {
            Index.Set(host.Id, grain.Key, entry with { Run = candidate.RunName! });
            silo.Probe?.Committed(host, grain, entry.Position);
            grain.CapturedAt = Offset.None.Value;
            grain.UncoveredFrom = grain.UncoveredAfterCapture;
            grain.UncoveredAfterCapture = Offset.None.Value;
        }

        _uncovered = _uncovered.FindAll(u => u.Grain.UncoveredFrom >= 0);

        // A grain that went back while its later copy was being committed is behind; nothing may rely on the committed
        // position before it is dropped.
        foreach ((OperatorHost host, Grain grain, CheckpointEntry entry) in candidate.Captured)
        {
            host.CatchUpWithCheckpoint(grain, entry.Position);
        }

        Archived(candidate, before, now);
        Announce(before, now);
        partition.Log.TrimTo(now.TrimmedTo);
        partition.Self.TrimTo(now.TrimmedTo);
        foreach (RunInfo run in before.Runs)
        {
            if (!now.Runs.Contains(run))
            {
                silo.DeleteRun(run.Name);
            }
        }

        if (before.Table is not null && before.Table != now.Table)
        {
            silo.DeleteRun(before.Table);
        }
    }

    /// <summary>Tells those who receive the operators' outputs what will never be repeated. A fact about storage: never undone.</summary>
    private void Announce(PartitionManifest before, PartitionManifest now)
    {
        foreach (OperatorHost host in partition.Hosts)
        {
            long floor = now.Committed.GetValueOrDefault(host.Id, -1);
            if (floor > before.Committed.GetValueOrDefault(host.Id, -1))
            {
                silo.AnnounceFloor(host.Type.Definition, new Floor(host.Id, partition.Id, floor));
            }
        }
    }

    private enum CandidatePhase
    {
        Capturing,
        Writing,
        Written,
        Committing,
    }

    /// <summary>A checkpoint on its way.</summary>
    private sealed class Candidate
    {
        public CandidatePhase Phase { get; set; }

        public int Next { get; set; }

        public CheckpointRun Run { get; } = new();

        public string? RunName { get; set; }

        public long RunBytes { get; set; }

        public List<(OperatorHost Host, Grain Grain, CheckpointEntry Entry)> Captured { get; } = [];

        /// <summary>Entries of runs that this one replaces.</summary>
        public List<(int Operator, byte[] Key, CheckpointEntry Entry)> Moved { get; set; } = [];

        public List<RunInfo> Replaced { get; set; } = [];

        public string? Table { get; set; }

        public string? ArchiveName { get; set; }

        public ArchiveInfo? Archive { get; set; }

        public List<(LogBlock Block, ArchivePlace Place)> Archived { get; set; } = [];

        public long TablePosition { get; set; }

        public CausalityVector? Vector { get; set; }

        public long Lsn { get; set; }

        public long SendMark { get; set; }

        public bool InManifest { get; set; }

        public bool Dropped { get; set; }
    }
}

namespace OrleansStreaming.Core;

/// <summary>
/// Checkpoints of one partition: copies of the grains that changed, written in the background and committed in the manifest
/// once (a) what they depend on is stable and (b) every output of the inputs they cover is durable where it went. No
/// barriers: each grain is copied at a turn boundary of its own.
/// </summary>
internal sealed partial class PartitionCheckpoints(Silo silo, Partition partition)
{
    private Candidate? _candidate;
    private long _lastMs = silo.NowMs - silo.Pace.HeadStartMs(partition.Id);
    private long _bytesAtLast;
    private long _replayAtLast = silo.Pace.ReplayMicros;
    private long _replayMeanwhile;
    private long _costMicros;
    private long _mergeMicros;
    private long _bytesAtCommit;
    private bool _forced;

    /// <summary>Brings grains back from their checkpoints.</summary>
    public GrainLoads Loads { get; } = new(silo, partition);

    /// <summary>Everything that this partition has read is covered by committed checkpoints and released.</summary>
    public bool IsClean => IsCovered && _candidate is null && !HasNews();

    public bool InProgress => _candidate is not null;

    /// <summary>There is more to do at once.</summary>
    public bool HasWork => Loads.HasWork || _candidate is { Phase: CandidatePhase.Capturing, LateSinceMs: < 0 } or { Phase: CandidatePhase.Applying };

    private bool IsCovered => Array.TrueForAll(partition.Hosts, static h => h.Coverage.IsEmpty);

    /// <summary>Begins the next checkpoint now, whatever the interval says.</summary>
    public void Force() => _forced = true;

    /// <summary>Drops the checkpoint under way, unless it is being committed.</summary>
    public void GiveUp()
    {
        if (_candidate is { IsCommitting: false } candidate)
        {
            Abandon(candidate);
        }
    }

    /// <summary>Goes on as far as it can.</summary>
    public void Step()
    {
        Loads.Step(silo.Options.LoadsPerStep);
        StepMerge();
        AnnounceWhenRepeatsArrived();
        if (_candidate is null && !Begin())
        {
            return;
        }

        Candidate candidate = _candidate!;
        if (candidate.Phase == CandidatePhase.Capturing)
        {
            Capture(candidate);
        }

        if (candidate.Phase == CandidatePhase.Written && IsCommittable(candidate) && !partition.Manifest.Busy && !partition.TurnsStopped)
        {
            Commit(candidate);
        }
        else if (candidate.Phase == CandidatePhase.Applying)
        {
            Apply(candidate);
        }
    }

    /// <summary>Drops a candidate that depends on a lost record; the grains stay uncovered.</summary>
    public void ApplySeal()
    {
        if (_candidate is { IsCommitting: false } candidate && silo.Journals.IsLost(candidate.Vector))
        {
            Abandon(candidate);
        }
    }

    private bool Begin()
    {
        bool due = _forced || silo.NowMs - _lastMs >= silo.Pace.IntervalMs
            || silo.Counters.JournalBytes - _bytesAtLast >= silo.Options.CheckpointBytes
            || (silo.Pace.IsLongToReplay(_replayAtLast, _replayMeanwhile) && silo.NowMs - _lastMs >= silo.Options.CheckpointEveryMs);
        if (!due || partition.Manifest.Busy || partition.TurnsStopped || partition.Move.IsOverdue)
        {
            return false;
        }

        bool leavesNothing = _forced;
        _forced = false;
        _lastMs = silo.NowMs;
        _bytesAtLast = silo.Counters.JournalBytes;
        _replayAtLast = silo.Pace.ReplayMicros;
        if (IsCovered && !HasNews())
        {
            return false;
        }

        _candidate = new Candidate(silo.RentCapture()) { LeavesNothing = leavesNothing };
        long covered = long.MaxValue;
        foreach (OperatorHost host in partition.Hosts)
        {
            host.Coverage.Begin(host.CursorOffset);
            covered = Math.Min(covered, partition.Manifest.Current.Committed.GetValueOrDefault(host.Id));
        }

        _candidate.Buffer.BasePosition = Math.Max(0, covered); // What is copied is behind what no grain needs to replay.
        return true;
    }

    private void Abandon(Candidate candidate)
    {
        for (int i = candidate.Applied; i < candidate.Buffer.Count; i++)
        {
            Grain grain = candidate.Buffer[i].Grain;
            grain.CapturedAt = grain.UncoveredAfterCapture = Offset.None.Value;
            if (grain.UncoveredFrom >= 0)
            {
                candidate.HostOf(i, partition).Coverage.Add(grain);
            }
        }

        if (candidate.Late.Count > 0)
        {
            LeaveLate(candidate, partition.Hosts[candidate.NextHost]);
        }

        foreach (OperatorHost host in partition.Hosts)
        {
            host.Coverage.GiveUp();
        }

        _candidate = null;
        _forced = true;
        candidate.Buffer.ReleaseKept(silo.Deltas);
        if (candidate.Phase == CandidatePhase.Writing)
        {
            candidate.Dropped = true; // What writes it still reads the copies.
            return;
        }

        Discard(candidate);
    }

    /// <summary>What the next checkpoint will take is about what this one did, and those before.</summary>
    private void Learn(long micros)
    {
        long cost = (_costMicros + micros + _mergeMicros) / 2;
        _mergeMicros = 0;
        silo.Pace.Changed(_costMicros, cost);
        _costMicros = cost;
        silo.Counters.CheckpointMicros += micros;
    }

    /// <summary>The partition goes away: it costs nothing any more.</summary>
    public void Close()
    {
        silo.Pace.Changed(_costMicros, 0);
        _costMicros = 0;
        _candidate?.Buffer.ReleaseKept(silo.Deltas);
    }
}

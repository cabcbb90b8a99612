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

    /// <summary>Copies some grains; the copies of one checkpoint need not be of one moment.</summary>
    private void Capture(Candidate candidate)
    {
        const int LookEvery = 64, LookEveryBytes = 64 << 10;
        long start = silo.Ports.TicksMicros, end = start + silo.Options.CaptureMicrosPerStep, look = candidate.Buffer.EncodedBytes + LookEveryBytes;
        int left = silo.Options.CaptureGrainsPerStep;
        while (candidate.NextHost < partition.Hosts.Length)
        {
            OperatorHost host = partition.Hosts[candidate.NextHost];
            while (host.Coverage.Next() is { } grain)
            {
                Capture(candidate, host, grain);
                if (--left > 0 && left % LookEvery != 0 && candidate.Buffer.EncodedBytes < look)
                {
                    continue;
                }

                look = candidate.Buffer.EncodedBytes + LookEveryBytes;
                if (left <= 0 || silo.Ports.TicksMicros >= end)
                {
                    candidate.Micros += silo.Ports.TicksMicros - start;
                    return;
                }
            }

            if (WaitsForTurns(candidate))
            {
                candidate.Micros += silo.Ports.TicksMicros - start;
                return;
            }

            LeaveLate(candidate, host);
            candidate.Buffer.EndHost();
            candidate.NextHost++;
        }

        candidate.Micros += silo.Ports.TicksMicros - start;
        candidate.Lsn = silo.Journal.LastLsn;
        candidate.SendMark = silo.Outbox.Mark();
        StartWriting(candidate);
    }

    private void Capture(Candidate candidate, OperatorHost host, Grain grain)
    {
        if (grain.UncoveredFrom < 0)
        {
            return; // Its checkpoint was found to cover it when it was read.
        }

        if (grain.Turn is not null && grain.Phase == GrainPhase.Ready)
        {
            grain.CopyWanted = true; // A grain that is always in a turn would never be copied.
            candidate.Late.Add(grain);
        }
        else if (!grain.IsIdle)
        {
            host.Coverage.Leave(grain);
        }
        else if (grain.Position < grain.UncoveredFrom)
        {
            grain.UncoveredFrom = Offset.None.Value; // It has taken all there is, so what it had not covered is void.
        }
        else
        {
            Copy(candidate, host, grain);
        }
    }

    /// <summary>A grain has ended the turn that the checkpoint waited for: it is copied before the next one, with more yet to take.</summary>
    public void CaptureLate(OperatorHost host, Grain grain)
    {
        grain.CopyWanted = false;
        if (_candidate is not { Phase: CandidatePhase.Capturing } candidate || !candidate.Late.Remove(grain))
        {
            return;
        }

        if (grain.UncoveredFrom < 0)
        {
            return;
        }

        if (grain is not { Phase: GrainPhase.Ready, Turn: null } || grain.Position < grain.UncoveredFrom)
        {
            host.Coverage.Leave(grain);
            return;
        }

        Copy(candidate, host, grain);
        long next = grain.Behind ? grain.Position + 1 : grain.Mailbox is { Count: > 0 } mailbox ? mailbox.Peek().Offset : Offset.None.Value;
        if (next >= 0)
        {
            grain.UncoveredAfterCapture = next;
            host.Coverage.LeaveFrom(next);
        }
    }

    /// <summary>Some of the operator's grains are in turns that may end soon.</summary>
    private bool WaitsForTurns(Candidate candidate)
    {
        if (candidate.Late.Count == 0)
        {
            return false;
        }

        if (candidate.LateSinceMs < 0)
        {
            candidate.LateSinceMs = silo.NowMs;
        }

        return silo.NowMs - candidate.LateSinceMs < silo.Options.CaptureWaitMs;
    }

    /// <summary>Their turns have not ended: the next checkpoint tries again.</summary>
    private static void LeaveLate(Candidate candidate, OperatorHost host)
    {
        foreach (Grain grain in candidate.Late)
        {
            grain.CopyWanted = false;
            if (grain.UncoveredFrom >= 0)
            {
                host.Coverage.Leave(grain);
            }
        }

        candidate.Late.Clear();
        candidate.LateSinceMs = -1;
    }

    private void Copy(Candidate candidate, OperatorHost host, Grain grain)
    {
        candidate.Buffer.Add(host.Type, grain, silo.Deltas);
        grain.CapturedAt = grain.Position;
        silo.Probe?.Captured(host, grain);
        if (grain.Foreign is not null)
        {
            candidate.Vector = CausalityVector.Merge(candidate.Vector, grain.Foreign.Prune(silo.Journals));
        }
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
        PartitionManifest next = Compose(before, candidate);
        if (candidate.RunName is null && candidate.Table is null && IsSame(before, next))
        {
            _candidate = null; // Nothing has moved.
            Discard(candidate);
            return;
        }

        candidate.Phase = CandidatePhase.Committing;
        candidate.Tried = true;
        if (silo.Probe is not null)
        {
            for (int i = 0; i < candidate.Buffer.Count; i++)
            {
                silo.Probe.Committing(candidate.HostOf(i, partition), candidate.Buffer[i].Grain, candidate.Buffer[i].Position);
            }
        }

        if (Mutations.AnnounceEarly)
        {
            Announce(before, next);
            AnnounceWhenRepeatsArrived();
        }

        partition.Manifest.Write(next, landed =>
        {
            if (partition.Lost)
            {
                return;
            }

            if (!landed)
            {
                candidate.Phase = CandidatePhase.Written;
                return;
            }

            candidate.Before = before;
            candidate.Phase = CandidatePhase.Applying;
            _bytesAtCommit = silo.Counters.JournalBytes;
            _replayMeanwhile = silo.Pace.ReplayMicros - _replayAtLast;
            silo.Counters.Checkpoints++;
            UseRuns(partition.Manifest.Current);
        });
    }

    /// <summary>
    /// The manifest is written: tells the grains, some at a time. What relies on it comes last, as a grain that went back
    /// while its later copy was being committed is behind, and must be dropped before.
    /// </summary>
    private void Apply(Candidate candidate)
    {
        const int LookEvery = 64, Ahead = 32;
        long start = silo.Ports.TicksMicros, end = start + silo.Options.CaptureMicrosPerStep;
        int left = silo.Options.CaptureGrainsPerStep, count = candidate.Buffer.Count;
        while (candidate.Applied < count)
        {
            for (int next = candidate.Applied; candidate.Applied % Ahead == 0 && next < Math.Min(candidate.Applied + Ahead, count); next++)
            {
                Memory.Prefetch(candidate.Buffer[next].Grain, Grain.CheckpointedBytes);
            }

            ref readonly CapturedGrain captured = ref candidate.Buffer[candidate.Applied];
            Apply(candidate.HostOf(candidate.Applied, partition), captured.Grain, captured.Position, candidate.Buffer.TakeKept(candidate.Applied));
            candidate.Applied++;
            if (--left <= 0 || (left % LookEvery == 0 && silo.Ports.TicksMicros >= end))
            {
                candidate.Micros += silo.Ports.TicksMicros - start; // At least one is told, however short a step is.
                return;
            }
        }

        _candidate = null;
        Learn(candidate.Micros + silo.Ports.TicksMicros - start);
        PartitionManifest before = candidate.Before!, now = partition.Manifest.Current;
        Archived(candidate, before, now);
        Announce(before, now);
        partition.Self.TrimTo(now.TrimmedTo);
        partition.Log.TrimTo(now.TrimmedTo);
        if (before.Table is not null && before.Table != now.Table)
        {
            silo.DeleteRun(before.Table);
        }

        silo.ReturnCapture(candidate.Buffer);
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

    private void Apply(OperatorHost host, Grain grain, long position, DeltaBase? kept)
    {
        silo.Probe?.Committed(host, grain, position);
        grain.Committed = position;
        host.KeepBase(grain, kept);
        grain.CapturedAt = Offset.None.Value;
        grain.UncoveredFrom = grain.UncoveredAfterCapture;
        grain.UncoveredAfterCapture = Offset.None.Value;
        if (grain.UncoveredFrom >= 0)
        {
            host.Coverage.Add(grain);
        }
        else
        {
            host.Covered(grain);
        }

        host.CatchUpWithCheckpoint(grain, position);
    }
}

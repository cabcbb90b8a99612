namespace OrleansStreaming.Core;

/// <summary>Commits a candidate in the manifest when nothing that it relies on can be lost, and tells its grains.</summary>
internal sealed partial class PartitionCheckpoints
{
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
        const int LookEvery = 64;
        long start = silo.Ports.TicksMicros, end = start + silo.Options.CaptureMicrosPerStep;
        int left = silo.Options.CaptureGrainsPerStep, fetched = candidate.Applied;
        while (candidate.Applied < candidate.Buffer.Count)
        {
            if (candidate.Applied == fetched)
            {
                fetched = candidate.Buffer.PrefetchGrains(fetched);
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

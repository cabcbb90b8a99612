namespace OrleansStreaming.Core;

/// <summary>Copies grains, between their turns.</summary>
internal sealed partial class PartitionCheckpoints
{
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
}

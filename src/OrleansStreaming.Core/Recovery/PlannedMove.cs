namespace OrleansStreaming.Core;

/// <summary>How far a planned move has come.</summary>
internal enum MovePhase
{
    None,

    /// <summary>A last checkpoint is taken, so that the successor has little to replay.</summary>
    Preparing,

    /// <summary>No turns; waits until no send of the partition's grains is unacknowledged.</summary>
    Draining,

    /// <summary>Nothing is accepted; waits until all that was is durable.</summary>
    Closing,

    /// <summary>The release is being written.</summary>
    Releasing,
}

/// <summary>
/// Gives a partition up to another live silo, without rollback: stop turns, drain sends, close, wait until durable, release
/// in the manifest. The old owner keeps nothing of the partition, so its later death changes nothing.
/// </summary>
internal sealed class PlannedMove(Silo silo, Partition partition)
{
    private const long PrepareMs = 3000;
    private long _sinceMs;
    private long _sendMark;
    private long _end;

    public MovePhase Phase { get; private set; }

    /// <summary>No further checkpoint: under a steady load there would always be another one to wait for.</summary>
    public bool IsOverdue => Phase == MovePhase.Preparing && silo.NowMs - _sinceMs > PrepareMs;

    /// <summary>Its turns have stopped, and all that they have sent has arrived for good.</summary>
    public bool IsDrained => Phase > MovePhase.Draining || (Phase == MovePhase.Draining && silo.Outbox.IsAcknowledged(_sendMark));

    public void Begin()
    {
        if (Phase == MovePhase.None)
        {
            Phase = MovePhase.Preparing;
            _sinceMs = silo.NowMs;
            partition.Checkpoints.Force();
        }
    }

    /// <summary>The partition is to stay after all. Once a release was sent, only a later write of its own tells whether it still owns.</summary>
    public void GiveUp()
    {
        if (Phase == MovePhase.None || ((Phase == MovePhase.Releasing || partition.Manifest.ReleaseSent) && !Mutations.ResumeReleased))
        {
            return;
        }

        Phase = MovePhase.None;
        partition.TurnsStopped = false;
        partition.Closed = false;
        partition.Resume();
    }

    public void Step()
    {
        if (Phase == MovePhase.Preparing && silo.NowMs - _sinceMs > 10 * PrepareMs)
        {
            partition.Checkpoints.GiveUp(); // It cannot be committed, for whatever reason: the successor replays more.
        }

        if (Phase == MovePhase.Preparing && !partition.Checkpoints.InProgress && !partition.Manifest.Busy
            && (partition.Checkpoints.IsClean || IsOverdue))
        {
            partition.TurnsStopped = true;
            partition.Closed |= Mutations.CloseFirst;
            _sendMark = silo.Outbox.Mark();
            Phase = MovePhase.Draining;
        }

        if (Phase == MovePhase.Draining && MayClose && (silo.Outbox.IsAcknowledged(_sendMark) || Mutations.MoveUnsent) && !partition.Manifest.Busy)
        {
            partition.Closed = !Mutations.StayOpen;
            _end = silo.Journal.LastLsn;
            Phase = MovePhase.Closing;
        }

        if (Phase == MovePhase.Closing && (silo.Journals.IsDurable(silo.Journal.Id, _end) || Mutations.MoveUndurable) && !partition.Manifest.Busy)
        {
            Phase = MovePhase.Releasing;
            Release();
        }
    }

    /// <summary>A silo that stops releases nothing while a turn of its own may still send there: perhaps nobody else is left to serve it.</summary>
    private bool MayClose
    {
        get
        {
            if (silo.Phase == SiloPhase.Draining)
            {
                if (silo.HoldsPartitions)
                {
                    return false;
                }

                foreach (Partition other in silo.Ownerships.Active)
                {
                    if (!other.TurnsStopped && !other.Lost)
                    {
                        return false;
                    }
                }
            }

            return true;
        }
    }

    private void Release()
    {
        PartitionManifest now = partition.Manifest.Current;
        List<Ownership> owners = [.. now.Owners];
        owners[^1] = owners[^1] with { ReleasedAt = _end };
        partition.Manifest.Write(now with { Owners = owners, ReleaseSealVersion = silo.SealVersion }, landed =>
        {
            if (partition.Lost)
            {
                return;
            }

            if (!landed)
            {
                Phase = MovePhase.Closing;
                return;
            }

            silo.Counters.Moves++;
            silo.Log.Moved(silo.Name, partition.Name, partition.Epoch);
            silo.Ownerships.Forget(partition);
            silo.AnnounceRelease(partition.Id);
        });
    }
}

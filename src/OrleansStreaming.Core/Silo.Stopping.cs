namespace OrleansStreaming.Core;

/// <summary>What the steps of a graceful stop do; see <see cref="StopStep"/>. Each is called again and again until it returns true.</summary>
internal sealed partial class Silo
{
    /// <summary>All turns are to stop, and no partition is given up yet.</summary>
    public bool HoldsPartitions { get; private set; }

    /// <summary>Nothing is left to do, and no partition is on the move or without an owner that lives.</summary>
    public bool HasFinished()
    {
        bool owned = true;
        foreach ((int id, _, _) in Ownerships.All)
        {
            if (Ownerships.Find(id) is null && !IsLive(Ownerships.OwnerOf(id).Journal))
            {
                owned = false;
                Ownerships.Refresh(id); // Perhaps it has one, and the news of it was lost.
            }
        }

        return owned && IsQuiet && !Ownerships.Loading && Ownerships.Active.All(p => p.Move.Phase == MovePhase.None);
    }

    /// <summary>Checkpoints what is not.</summary>
    public bool CheckpointAll()
    {
        bool clean = true;
        foreach (Partition partition in Ownerships.Active)
        {
            if (!partition.Checkpoints.IsClean)
            {
                clean = false;
                partition.Checkpoints.Force();
            }
        }

        return clean;
    }

    /// <summary>
    /// Where all silos stop together: stops the turns, and lets what they have sent arrive. As long as any silo has not done
    /// so, none gives a partition up, as nobody would take what is still sent there.
    /// </summary>
    public bool StopTurns()
    {
        HoldsPartitions = true;
        BeginMoves();
        return Ownerships.Active.All(p => p.Move.IsDrained) && !Ownerships.Loading;
    }

    /// <summary>Gives all partitions up, to whoever comes next.</summary>
    public bool ReleaseAll()
    {
        HoldsPartitions = false;
        BeginMoves();
        return Ownerships.Active.Count == 0 && !Ownerships.Loading;
    }

    /// <summary>Seals the own journal, so that the next start finds nothing to recover, and stops.</summary>
    public bool SealOwnJournal()
    {
        if (Phase == SiloPhase.Draining && Ownerships.Active.Count == 0 && _sealing.Add(Journal.Id))
        {
            SealOne(Journal.Id); // Again, should another silo's seal have come between.
        }

        return Phase == SiloPhase.Stopped;
    }

    /// <summary>A journal that somebody writes to. That of a dead silo is not sealed yet when nobody has had the time to.</summary>
    private bool IsLive(int journal) => journal >= 0 && (Membership?.Dead.Contains(journal) == false || Mutations.CountDeadOwners);

    private void BeginMoves()
    {
        if (Phase == SiloPhase.Running)
        {
            Phase = SiloPhase.Draining;
        }

        foreach (Partition partition in Ownerships.Active)
        {
            partition.Move.Begin();
        }
    }
}

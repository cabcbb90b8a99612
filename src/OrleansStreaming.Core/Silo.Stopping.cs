namespace OrleansStreaming.Core;

/// <summary>A graceful stop: checkpoint, give up all partitions, seal the own journal.</summary>
internal sealed partial class Silo
{
    /// <summary>Checkpoints what is not; call again until it returns true.</summary>
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

    /// <summary>All turns are to stop, and no partition is given up yet.</summary>
    public bool HoldsPartitions { get; private set; }

    /// <summary>
    /// Where all silos stop together: stops the turns, and lets what they have sent arrive. As long as any silo has not done
    /// so, none gives a partition up, as nobody would take what is still sent there. Call again until it returns true.
    /// </summary>
    public bool StopTurns()
    {
        HoldsPartitions = true;
        BeginMoves();
        return Ownerships.Active.All(p => p.Move.IsDrained) && !Ownerships.Loading;
    }

    /// <summary>Gives all partitions up, to whoever comes next; call again until it returns true.</summary>
    public bool ReleaseAll()
    {
        HoldsPartitions = false;
        BeginMoves();
        return Ownerships.Active.Count == 0 && !Ownerships.Loading;
    }

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

    /// <summary>Seals the own journal, so that the next start finds nothing to recover, and stops.</summary>
    public void SealOwnJournal()
    {
        if (Phase == SiloPhase.Draining && Ownerships.Active.Count == 0 && _sealing.Add(Journal.Id))
        {
            SealOne(Journal.Id);
        }
    }
}

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

    /// <summary>Gives all partitions up, to whoever comes next; call again until it returns true.</summary>
    public bool ReleaseAll()
    {
        if (Phase == SiloPhase.Running)
        {
            Phase = SiloPhase.Draining;
        }

        foreach (Partition partition in Ownerships.Active)
        {
            partition.Move.Begin();
        }

        return Ownerships.Active.Count == 0 && !Ownerships.Loading;
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

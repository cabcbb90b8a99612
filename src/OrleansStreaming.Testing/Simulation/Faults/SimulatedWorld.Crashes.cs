using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Testing.Simulation;

/// <content>Silos come and go.</content>
internal sealed partial class SimulatedWorld
{
    /// <summary>Calls a silo. A port may have killed it at one of its calls.</summary>
    public void Guard(SimulatedSilo silo, Action action)
    {
        try
        {
            action();
        }
        catch (SiloKilledException)
        {
            Kill(silo);
        }
    }

    public void StartSilo(string name)
    {
        int incarnation = _incarnations[name] = _incarnations.GetValueOrDefault(name) + 1;
        long skew = Random.Chance(300) ? Random.Between(-2_000_000, 2_000_000) : Random.Between(-3000, 3000);
        var silo = new SimulatedSilo(this, name, incarnation, skew);
        _silos.Add(silo);
        Trace($"{silo.Label} starts");
        Guard(silo, silo.Silo.Start);
    }

    /// <summary>The process is gone. What it had asked for may still happen, later.</summary>
    private void Bury(SimulatedSilo silo)
    {
        silo.Runs = false;
        silo.DeclaredDead = true;
        Gates.Orphan(silo);
        silo.Completions.Clear();
        silo.EndedTurns.Clear();
        foreach (PendingIngest pending in silo.Ingests.ToArray())
        {
            silo.Ingests.Remove(pending);
            pending.Answered = true;
            pending.Producer.Broken(pending);
        }
    }

    private void KillOne()
    {
        if (_crashes >= Scenario.Rates.MaxCrashes || PickRunning() is not { } silo)
        {
            return;
        }

        if (silo.Silo.Journal.UnflushedRecords == 0 && Random.Chance(700))
        {
            return; // Nothing would be lost: rather another time.
        }

        _crashes++;
        if (Random.Chance(700))
        {
            silo.KillAfter(Random.Between(1, 12));
            return;
        }

        Kill(silo);
    }

    /// <summary>Its memory is gone at once.</summary>
    public void Kill(SimulatedSilo silo)
    {
        Trace($"{silo.Label} is killed");
        Totals.Kills++;
        Bury(silo);
        Membership.Update();
    }

    /// <summary>Taken for dead, but it goes on.</summary>
    private void DeclareOneDead()
    {
        if (_crashes < Scenario.Rates.MaxCrashes && PickRunning() is { DeclaredDead: false, Journal: >= 0 } silo)
        {
            _crashes++;
            DeclareDead(silo);
        }
    }

    /// <summary>Others will seal its journal; it goes on until it notices.</summary>
    public void DeclareDead(SimulatedSilo silo)
    {
        Totals.Zombies++;
        Trace($"{silo.Label} is taken for dead");
        silo.DeclaredDead = true;
        Membership.Update();
    }

    private void RestartOne()
    {
        string name = Random.PickFrom(Membership.Names);
        if (!_silos.Any(s => s.Name == name && s.Runs && !s.DeclaredDead))
        {
            Totals.Restarts++;
            StartSilo(name);
        }
    }

    private void ShutDownOne()
    {
        if (PickRunning() is { DeclaredDead: false, ShuttingDown: false, Journal: >= 0 } silo && _silos.Count(s => s.Runs && !s.DeclaredDead && !s.ShuttingDown) > 1)
        {
            Totals.Shutdowns++;
            Trace($"{silo.Label} is to shut down");
            silo.ShuttingDown = true;
            Membership.Update();
        }
    }

    private void JumpWall()
    {
        if (PickRunning() is { } silo)
        {
            Totals.WallJumps++;
            silo.WallSkew += Random.Between(-3_000_000, 3_000_000);
            Trace($"{silo.Label} has its clock set: {silo.WallSkew} us");
        }
    }

    public bool IsDiskFull()
    {
        bool full = Faulty && Random.Chance(Scenario.Rates.StorageFull);
        Totals.DiskFull += full ? 1 : 0;
        return full;
    }
}

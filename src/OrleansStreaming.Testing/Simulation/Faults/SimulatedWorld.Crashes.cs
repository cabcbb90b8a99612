using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <content>Silos come and go.</content>
internal sealed partial class SimulatedWorld
{
    private int _crashes;

    /// <summary>The restart of all silos that is under way, one after the other.</summary>
    private RollingRestart? Rolling { get; set; }

    public void StartSilo(string name)
    {
        int incarnation = _incarnations[name] = _incarnations.GetValueOrDefault(name) + 1;
        long skew = Faults.Strikes(FaultKind.ClockSkew, 300) ? Random.Between(-2_000_000, 2_000_000) : Random.Between(-3000, 3000);
        var silo = new SimulatedSilo(this, name, incarnation, skew);
        _silos.Add(silo);
        Trace($"{silo.Label} starts");
        Guard(silo, static (silo, _) => silo.Silo.Start(), 0);
    }

    /// <summary>The incarnation that writes a journal, if it runs.</summary>
    public SimulatedSilo? Find(int journal)
    {
        foreach (SimulatedSilo silo in _silos)
        {
            if (silo.Journal == journal)
            {
                return silo;
            }
        }

        return null;
    }

    /// <summary>The number of the silo that writes a journal, or -1 when it is gone.</summary>
    public int NumberOf(int journal) => Find(journal)?.Number ?? -1;

    /// <summary>Its memory is gone at once.</summary>
    public void Kill(SimulatedSilo silo)
    {
        Totals.Count(FaultKind.Kill);
        Faults.GoesWrong();
        if (silo.IsRecovering)
        {
            Totals.Count(FaultKind.KillInRecovery);
        }

        if (silo.IsMoving)
        {
            Totals.Count(FaultKind.KillInMove);
        }

        if (_silos.Exists(s => s != silo && s.IsRecovering) || Membership.HasUnsealed())
        {
            Totals.Count(FaultKind.OverlappingFailure);
        }

        Trace($"{silo.Label} is killed; {silo.Silo.Journal?.UnflushedRecords} records of it were not durable");
        Bury(silo);
        Membership.Update();
    }

    /// <summary>Others will seal its journal; it goes on until it notices.</summary>
    public void DeclareDead(SimulatedSilo silo)
    {
        Totals.Count(FaultKind.DeclaredDead);
        Faults.GoesWrong();
        Trace($"{silo.Label} is taken for dead");
        silo.DeclaredDead = true;
        Membership.Update();
    }

    /// <summary>The process is gone. What it had asked for may still happen, later.</summary>
    private void Bury(SimulatedSilo silo)
    {
        silo.Runs = false;
        silo.DeclaredDead = true;
        _silos.Remove(silo);
        Count(silo);
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

    /// <summary>Mostly the one with most to lose, and mostly in the middle of something.</summary>
    private void KillOne()
    {
        if (_crashes >= Scenario.Rates.MaxCrashes)
        {
            return;
        }

        SimulatedSilo? silo = PickRunning();
        if (Random.Chance(600))
        {
            silo = _silos.Where(s => !s.IsPaused).MaxBy(s => s.Silo.Journal?.UnflushedRecords ?? 0) ?? silo;
        }

        bool nothingToLose = silo?.Silo.Journal is not { } journal || journal.UnflushedRecords < Scenario.Rates.KillAtUnflushed;
        if (silo is null || (nothingToLose && Random.Chance(800)) || !Faults.Allows(FaultKind.Kill))
        {
            return;
        }

        _crashes++;
        if (Random.Chance(500))
        {
            silo.KillAfter(Random.Between(1, 12));
        }
        else
        {
            Kill(silo);
        }
    }

    /// <summary>At some step of a takeover or of a move.</summary>
    private void KillBusyOne()
    {
        if (_crashes < Scenario.Rates.MaxCrashes && PickRunning(static s => s.IsRecovering || s.IsMoving) is { } silo && Faults.Allows(silo.IsMoving ? FaultKind.KillInMove : FaultKind.KillInRecovery))
        {
            _crashes++;
            silo.KillAfter(Random.Between(1, 6));
        }
    }

    private void DeclareOneDead()
    {
        if (_crashes < Scenario.Rates.MaxCrashes && PickRunning(static s => s is { DeclaredDead: false, Journal: >= 0 }) is { } silo && Faults.Allows(FaultKind.DeclaredDead))
        {
            _crashes++;
            DeclareDead(silo);
        }
    }

    /// <summary>It stands still; what it has asked for goes on without it.</summary>
    private void PauseOne()
    {
        if (PickRunning() is { } silo && Faults.Allows(FaultKind.Pause))
        {
            Faults.Happened(FaultKind.Pause);
            silo.PausedSinceMs = NowMs;
            silo.PausedUntilMs = NowMs + Random.Between(5, 6 * Scenario.Rates.DetectMs);
            Trace($"{silo.Label} stands still until {silo.PausedUntilMs}");
        }
    }

    /// <summary>Who stands still for too long is taken for dead; when it wakes up it knows nothing of that.</summary>
    private void DetectFailures()
    {
        foreach (SimulatedSilo silo in _silos)
        {
            if (silo is { IsPaused: true, DeclaredDead: false, Journal: >= 0 } && NowMs - silo.PausedSinceMs > Scenario.Rates.DetectMs && _crashes < Scenario.Rates.MaxCrashes)
            {
                silo.PausedSinceMs = long.MaxValue; // Asked once.
                if (Faults.Allows(FaultKind.DeclaredDead))
                {
                    _crashes++;
                    DeclareDead(silo);
                    return;
                }
            }
        }
    }

    private void RestartOne()
    {
        string name = Membership.Names[Random.Below(Membership.Names.Count)];
        if (!_silos.Exists(s => s.Name == name && !s.DeclaredDead))
        {
            Totals.Restarts++;
            StartSilo(name);
        }
    }

    private void ShutDownOne()
    {
        if (_silos.Count(s => s is { DeclaredDead: false, ShuttingDown: false }) > 1
            && PickRunning(static s => s is { DeclaredDead: false, ShuttingDown: false, Journal: >= 0 }) is { } silo && Faults.Allows(FaultKind.Shutdown))
        {
            ShutDown(silo);
        }
    }

    /// <summary>It is to give its partitions away and stop.</summary>
    public void ShutDown(SimulatedSilo silo)
    {
        Faults.Happened(FaultKind.Shutdown);
        Trace($"{silo.Label} is to shut down");
        silo.Stop = new SimulatedStop(this, silo);
        Membership.Update();
    }

    /// <summary>All that live, or all but some that come to it later.</summary>
    private void ShutDownAll()
    {
        if (Faults.Allows(FaultKind.ShutdownAll))
        {
            Faults.Happened(FaultKind.ShutdownAll);
            foreach (SimulatedSilo silo in _silos.Where(s => s is { DeclaredDead: false, ShuttingDown: false, Journal: >= 0 } && Random.Chance(900)).ToArray())
            {
                ShutDown(silo);
            }
        }
    }

    private void RestartAll()
    {
        if (Rolling is null or { IsOver: true } && Faults.Allows(FaultKind.RollingRestart))
        {
            Faults.Happened(FaultKind.RollingRestart);
            Rolling = new RollingRestart(this);
        }
    }
}

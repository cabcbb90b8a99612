using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Testing.Simulation;

/// <content>Silos come and go.</content>
internal sealed partial class SimulatedWorld
{
    /// <summary>Calls a silo. A port may have killed it at one of its calls.</summary>
    private void Guard(SimulatedSilo silo, Action action)
    {
        try
        {
            action();
        }
        catch (SiloKilledException)
        {
            Trace($"{silo.Label} is killed");
            Totals.Kills++;
            Bury(silo);
            ChangeView();
        }
    }

    private void StartSilo(string name)
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
        for (int i = _gates.Count - 1; i >= 0; i--)
        {
            if (_gates[i].Owner == silo)
            {
                bool external = _gates[i].Kind is GateKind.Turn or GateKind.Confirm or GateKind.Call;
                if (external || Random.Chance(Scenario.Rates.LoseRequests))
                {
                    _gates.RemoveAt(i);
                }
                else if (_gates[i].Kind == GateKind.Append)
                {
                    Totals.TornAppends++;
                }
            }
        }

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

        Trace($"{silo.Label} is killed");
        Totals.Kills++;
        Bury(silo);
        ChangeView();
    }

    /// <summary>Taken for dead, but it goes on.</summary>
    private void DeclareOneDead()
    {
        if (_crashes < Scenario.Rates.MaxCrashes && PickRunning() is { DeclaredDead: false, Journal: >= 0 } silo)
        {
            _crashes++;
            Totals.Zombies++;
            Trace($"{silo.Label} is taken for dead");
            silo.DeclaredDead = true;
            ChangeView();
        }
    }

    private void RestartOne()
    {
        string name = Random.PickFrom(_names);
        if (!_silos.Any(s => s.Name == name && s.Runs && !s.DeclaredDead))
        {
            Totals.Restarts++;
            StartSilo(name);
        }
    }

    /// <summary>Another set of silos shall serve: partitions move.</summary>
    private void Replan()
    {
        _planned = [.. _names.Where(_ => Random.Chance(600))];
        if (_planned.Count == 0)
        {
            _planned = [.. _names];
        }

        Trace($"planned: {string.Join(' ', _planned)}");
        ChangeView();
    }

    private void ShutDownOne()
    {
        if (PickRunning() is { DeclaredDead: false, ShuttingDown: false, Journal: >= 0 } silo && _silos.Count(s => s.Runs && !s.DeclaredDead && !s.ShuttingDown) > 1)
        {
            Totals.Shutdowns++;
            Trace($"{silo.Label} is to shut down");
            silo.ShuttingDown = true;
            ChangeView();
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

    /// <summary>What membership knows now.</summary>
    private void ChangeView()
    {
        var live = new Dictionary<string, int>();
        foreach (SimulatedSilo silo in _silos)
        {
            if (silo is { Runs: true, DeclaredDead: false, Journal: >= 0 })
            {
                live[silo.Name] = silo.Journal;
            }
        }

        var dead = new HashSet<int>();
        IReadOnlyList<JournalInfo> journals = Record().Journals;
        for (int i = 0; i < journals.Count; i++)
        {
            // A silo that is still registering may have a journal that nobody else has heard of.
            bool inUse = _silos.Any(s => s.Runs && !s.DeclaredDead && (s.Journal == i || (s.Journal < 0 && s.Name == journals[i].Silo && !_silos.Any(o => o != s && o.Journal == i))));
            if (!inUse)
            {
                dead.Add(i);
            }
        }

        string[] names = [.. _names.Where(n => _planned.Contains(n) && !_silos.Any(s => s.Name == n && s is { Runs: true, DeclaredDead: false, ShuttingDown: true }))];
        if (names.Length == 0)
        {
            names = _names;
        }

        bool same = names.SequenceEqual(_view.Names) && dead.SetEquals(_view.Dead) && live.Count == _view.Live.Count
            && live.All(l => _view.Live.TryGetValue(l.Key, out int journal) && journal == l.Value);
        if (!same)
        {
            _view = new MembershipView(names, live, dead);
            _viewVersion++;
            Trace($"view {_viewVersion}: names {string.Join(' ', names)}, live {string.Join(' ', live.Select(l => $"{l.Key}=J{l.Value}"))}, dead {string.Join(' ', dead.Select(d => $"J{d}"))}");
        }
    }

    private void TellView(SimulatedSilo silo)
    {
        if (silo.Runs && silo.ViewVersion < _viewVersion && silo.Silo.Phase is SiloPhase.Running or SiloPhase.Draining)
        {
            silo.ViewVersion = _viewVersion;
            Trace($"{silo.Label} hears of view {_viewVersion}");
            Guard(silo, () => silo.Silo.MembershipChanged(_view));
        }
    }

    // ---------- operators

    public void PerhapsThrow(int slot, long key, Offset offset)
    {
        if (!Faulty || !Scenario.Operators[slot].Flaky || !Random.Chance(60))
        {
            return;
        }

        ref int thrown = ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(_throws, (slot, key, offset.Value), out _);
        if (thrown < 2)
        {
            thrown++;
            throw new SimulatedThrow("not this time");
        }
    }

    public Task? PerhapsWait(SimulatedSilo silo, int slot)
    {
        if (!Scenario.Operators[slot].Async || !Random.Chance(250))
        {
            return null;
        }

        Totals.AsyncTurns++;
        return Gate(silo, GateKind.Turn, "turn goes on", () => true).AsTask();
    }

    public Task<ulong> Answer(SimulatedSilo silo, ulong request) =>
        Gate(silo, GateKind.Call, $"call {request:x}", Random.Next).AsTask();

    public bool IsDiskFull()
    {
        bool full = Faulty && Random.Chance(Scenario.Rates.StorageFull);
        Totals.DiskFull += full ? 1 : 0;
        return full;
    }

    private void Count(SimulatedSilo silo)
    {
        SiloCounters counters = silo.Silo.Counters;
        Totals.Turns += counters.Events;
        Totals.RolledBack += counters.RolledBack;
        Totals.Replayed += counters.Replayed;
        Totals.Reactivated += counters.Reactivated;
        Totals.Evicted += counters.Evicted;
        Totals.Repeats += counters.Repeats;
        Totals.OrphansDropped += counters.OrphansDropped;
        Totals.Checkpoints += counters.Checkpoints;
        Totals.CheckpointedGrains += counters.CheckpointedGrains;
        Totals.Timers += counters.Fired;
        Totals.Throws += counters.Throws;
        Totals.Decisions += counters.LeftOut;
        Totals.Moves += counters.Moves;
    }
}

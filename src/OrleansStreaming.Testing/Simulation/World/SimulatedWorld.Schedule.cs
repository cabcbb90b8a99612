using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Testing.Simulation;

/// <content>The schedule: faults first, then none, then everything must be right.</content>
internal sealed partial class SimulatedWorld
{
    private const int MaxQuietSteps = 400_000;
    private const long MaxQuietMs = 120_000;
    private DateTime _deadline;

    /// <summary>Runs the schedule. Returns what did not hold, or null.</summary>
    public SimulationException? Run(TimeSpan limit)
    {
        _deadline = DateTime.UtcNow + limit;
        Trace($"seed {Seed}: {Scenario.Shape}, {Scenario.Silos} silos, {Scenario.Keys} keys, {(Scenario.IdempotentSinks ? "idempotent" : "transactional")} sinks");
        Trace($"{Scenario.Options}");
        Trace($"{Scenario.Rates}");
        foreach (OperatorDefinition op in Scenario.Topology.Operators)
        {
            Trace($"operator {op.Id} {op.Name}: {op.From.Name}{(op.From.Strict ? " (strict)" : "")} -> {string.Join(", ", op.To.Select(t => t.Name))}  {Scenario.Operators.FirstOrDefault(o => o.Name == op.Name)}");
        }

        try
        {
            foreach (string name in Membership.Names)
            {
                StartSilo(name);
            }

            if (Scenario.WarmStart)
            {
                Faulty = false;
                for (int i = 0; i < 200 && Failure is null && Oracle.PartitionsWithoutOwner(); i++)
                {
                    Round(warmUp: true);
                }

                Faulty = true;
            }

            for (int i = 0; i < Scenario.Steps && Failure is null && InTime(); i++)
            {
                if (Director?.Act(this) != true)
                {
                    Act();
                }

                Totals.Steps++;
            }

            Settle();
            if (Failure is null)
            {
                Oracle.CheckAtEnd();
            }
        }
        catch (SimulationException e)
        {
            Fail(e.Invariant, e.Message, e);
        }
        catch (Exception e)
        {
            Fail("sim", $"the simulator itself failed: {e}", e);
        }

        Totals.SimulatedMs += NowMs;
        Oracle.Count();
        Note(Random.State);
        foreach (SimulatedSilo silo in _silos)
        {
            Count(silo);
        }

        return Failure;
    }

    private bool InTime()
    {
        if (DateTime.UtcNow > _deadline)
        {
            Fail("I8", $"the schedule takes too long: {Totals.Steps} steps");
        }

        return Failure is null;
    }

    private void Act()
    {
        FaultRates rates = Scenario.Rates;
        int storage = 0, appends = 0, outside = 0, turns = 0, completions = 0, ended = 0;
        foreach (Gate gate in Gates.Waiting)
        {
            switch (gate.Kind)
            {
                case GateKind.Storage: storage = rates.Storage; break;
                case GateKind.Append or GateKind.Confirm: appends = rates.Append; break;
                case GateKind.Turn: turns = rates.Turn; break;
                default: outside = rates.Outside; break;
            }
        }

        foreach (SimulatedSilo silo in _silos)
        {
            completions = silo.Runs && silo.Completions.Count > 0 ? rates.Complete : completions;
            ended = silo.Runs && silo.EndedTurns.Count > 0 ? rates.Turn : ended;
        }

        int deliver = Network.Parcels.Count > 0 ? rates.Deliver : 0;
        int sum = rates.Step + deliver + storage + appends + outside + completions + turns + ended + rates.Time + rates.Ingest + rates.Read + rates.Kill
            + rates.Zombie + rates.Restart + rates.View + rates.Replan + rates.Shutdown + rates.WallJump;
        int draw = Random.Below(sum);
        bool Is(int weight) => (draw -= weight) < 0;

        if (Is(rates.Step))
        {
            StepOne();
        }
        else if (Is(deliver))
        {
            Network.DeliverOne();
        }
        else if (Is(storage))
        {
            Gates.PassOne(g => g.Kind == GateKind.Storage);
        }
        else if (Is(appends))
        {
            Gates.PassOne(g => g.Kind is GateKind.Append or GateKind.Confirm);
        }
        else if (Is(outside))
        {
            Gates.PassOne(g => g.Kind is GateKind.Sink or GateKind.Call);
        }
        else if (Is(completions))
        {
            CompleteOne();
        }
        else if (Is(turns))
        {
            Gates.PassOne(g => g.Kind == GateKind.Turn);
        }
        else if (Is(ended))
        {
            EndTurnOne();
        }
        else if (Is(rates.Time))
        {
            NowMs += Random.Between(1, rates.MaxStepMs);
        }
        else if (Is(rates.Ingest))
        {
            Random.PickFrom(_producers).Act(_newEvents < rates.MaxIngests);
        }
        else if (Is(rates.Read))
        {
            ReadOne();
        }
        else if (Is(rates.Kill))
        {
            KillOne();
        }
        else if (Is(rates.Zombie))
        {
            DeclareOneDead();
        }
        else if (Is(rates.Restart))
        {
            RestartOne();
        }
        else if (Is(rates.View))
        {
            Membership.Tell(Random.PickFrom(_silos));
        }
        else if (Is(rates.Replan))
        {
            Membership.Replan();
        }
        else if (Is(rates.Shutdown))
        {
            ShutDownOne();
        }
        else
        {
            JumpWall();
        }
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

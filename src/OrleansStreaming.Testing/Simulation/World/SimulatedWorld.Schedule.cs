using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Testing.Simulation;

/// <content>A run: faults first, then none, then everything must be right.</content>
internal sealed partial class SimulatedWorld
{
    private DateTime _deadline;
    private int _thread;

    /// <summary>Whether the caller is the one thread of the world.</summary>
    public bool IsThread => Environment.CurrentManagedThreadId == _thread;

    /// <summary>Something that went on outside of the world: nobody knows when it ends.</summary>
    public string? WentElsewhere { get; set; }

    /// <summary>Runs the schedule. Returns what did not hold, or null.</summary>
    public SimulationException? Run(TimeSpan limit)
    {
        _deadline = DateTime.UtcNow + limit;
        _thread = Environment.CurrentManagedThreadId;
        TraceScenario();
        try
        {
            foreach (string name in Membership.Names)
            {
                StartSilo(name);
            }

            if (Scenario.WarmStart)
            {
                WarmUp();
            }

            for (int i = 0; i < Scenario.Steps && Director?.IsDone(this) != true && Failure is null && InTime(i); i++)
            {
                if (Director?.Act(this) != true)
                {
                    Act();
                }

                Totals.Steps++;
            }

            Settle();
        }
        catch (SimulationException e)
        {
            Fail(e.Invariant, e.Message, e);
        }
        catch (Exception e)
        {
            Fail("sim", $"the simulator itself failed: {e}", e);
        }

        foreach (SimulatedSilo silo in _silos)
        {
            Count(silo);
        }

        Totals.SimulatedMs += NowMs;
        Totals.Records += Oracle.Records.Count;
        Totals.Void += Oracle.Records.Count(r => Oracle.LostAtAll(r.Dependencies) >= 0);
        Totals.Calls += Oracle.Records.Count(r => r.Kind == RecordKind.CallResult);
        Note(Random.State);
        return Failure;
    }

    private void TraceScenario()
    {
        Trace($"seed {Seed}: {Scenario.Name}, {Scenario.Silos} silos, {Scenario.Steps} steps, {(Scenario.IdempotentSinks ? "idempotent" : "transactional")} sinks");
        Trace($"{Scenario.Options}");
        Trace($"{Scenario.Rates}");
        foreach (StreamDefinition stream in Topology.Streams)
        {
            Trace($"stream {stream.Id} {stream.Name}: {stream.PartitionCount} partitions{(stream.Strict ? ", strict" : "")}");
        }

        foreach (OperatorDefinition op in Topology.Operators)
        {
            Trace($"operator {op.Id} {op.Name}: {op.From.Name} -> {string.Join(", ", op.To.Select(t => t.Name))} {op.Options.OnFailure}");
        }
    }

    /// <summary>Everything is served before the first fault.</summary>
    private void WarmUp()
    {
        Faulty = false;
        for (int i = 0; i < 200 && Failure is null && Oracle.Progress.Unowned().Any(); i++)
        {
            Round(warmUp: true);
        }

        Faulty = true;
    }

    private bool InTime(long step)
    {
        if (step % 64 == 0)
        {
            Oracle.Progress.CheckRunnable();
            if (DateTime.UtcNow > _deadline)
            {
                Oracle.Progress.TooSlow(Totals.Steps);
            }
        }

        return Failure is null;
    }

    /// <summary>One action, by chance.</summary>
    private void Act()
    {
        Span<int> weights = stackalloc int[(int)WorldAction.Count];
        Weigh(weights);
        int sum = 0;
        foreach (int weight in weights)
        {
            sum += weight;
        }

        int draw = Random.Below(sum), at = 0;
        while ((draw -= weights[at]) >= 0)
        {
            at++;
        }

        Rolling?.Step();
        Perform((WorldAction)at);
    }

    private void Weigh(Span<int> weights)
    {
        FaultRates rates = Scenario.Rates;
        int waiting = Gates.Kinds();
        bool completions = false, ended = false;
        foreach (SimulatedSilo silo in _silos)
        {
            completions |= silo.Completions.Count > 0 && !silo.IsPaused;
            ended |= silo.EndedTurns.Count > 0 && !silo.IsPaused;
        }

        weights[(int)WorldAction.Step] = rates.Step;
        weights[(int)WorldAction.Deliver] = Network.Parcels.Count > 0 ? rates.Deliver : 0;
        weights[(int)WorldAction.Storage] = (waiting & Gates.StorageKinds) != 0 ? rates.Storage : 0;
        weights[(int)WorldAction.Append] = (waiting & Gates.AppendKinds) != 0 ? rates.Append : 0;
        weights[(int)WorldAction.Outside] = (waiting & Gates.OutsideKinds) != 0 ? rates.Outside : 0;
        weights[(int)WorldAction.Turn] = (waiting & Gates.TurnKinds) != 0 ? rates.Turn : 0;
        weights[(int)WorldAction.Complete] = completions ? rates.Complete : 0;
        weights[(int)WorldAction.EndTurn] = ended ? rates.Turn : 0;
        weights[(int)WorldAction.Time] = rates.Time;
        weights[(int)WorldAction.Ingest] = rates.Ingest;
        weights[(int)WorldAction.Read] = rates.Read;
        weights[(int)WorldAction.Restart] = rates.Restart;
        weights[(int)WorldAction.View] = rates.View;
        weights[(int)WorldAction.Kill] = rates.Kill;
        weights[(int)WorldAction.KillBusy] = rates.KillBusy;
        weights[(int)WorldAction.DeclareDead] = rates.DeclareDead;
        weights[(int)WorldAction.Pause] = rates.Pause;
        weights[(int)WorldAction.Replan] = rates.Replan;
        weights[(int)WorldAction.Shutdown] = rates.Shutdown;
        weights[(int)WorldAction.ShutdownAll] = rates.ShutdownAll;
        weights[(int)WorldAction.RollingRestart] = rates.RollingRestart;
        weights[(int)WorldAction.NetworkCut] = rates.NetworkCut;
        weights[(int)WorldAction.SlowStorage] = rates.SlowStorage;
        weights[(int)WorldAction.ClockJump] = rates.ClockJump;
        weights[(int)WorldAction.Unseat] = rates.Unseat;
    }

    /// <summary>Where all are to stop, little comes in: else they would never come to the end of it.</summary>
    private bool MayStartNew() => NewEvents < (ulong)Scenario.Rates.MaxIngests && (Membership.AnyStays || Random.Chance(150));

    private void Perform(WorldAction action)
    {
        switch (action)
        {
            case WorldAction.Step: StepOne(); break;
            case WorldAction.Deliver: Network.DeliverOne(); break;
            case WorldAction.Storage: Gates.PassOne(Gates.StorageKinds); break;
            case WorldAction.Append: Gates.PassOne(Gates.AppendKinds); break;
            case WorldAction.Outside: Gates.PassOne(Gates.OutsideKinds); break;
            case WorldAction.Turn: Gates.PassOne(Gates.TurnKinds); break;
            case WorldAction.Complete: CompleteOne(); break;
            case WorldAction.EndTurn: EndTurnOne(); break;
            case WorldAction.Time: NowMs += Random.Between(1, Scenario.Rates.MaxStepMs); DetectFailures(); break;
            case WorldAction.Ingest: Random.PickFrom(Producers).Act(MayStartNew()); break;
            case WorldAction.Read: ReadOne(); break;
            case WorldAction.Restart: RestartOne(); break;
            case WorldAction.View: TellOne(); break;
            case WorldAction.Kill: KillOne(); break;
            case WorldAction.KillBusy: KillBusyOne(); break;
            case WorldAction.DeclareDead: DeclareOneDead(); break;
            case WorldAction.Pause: PauseOne(); break;
            case WorldAction.Replan: ReplanAll(); break;
            case WorldAction.Shutdown: ShutDownOne(); break;
            case WorldAction.ShutdownAll: ShutDownAll(); break;
            case WorldAction.RollingRestart: RestartAll(); break;
            case WorldAction.NetworkCut: CutOne(); break;
            case WorldAction.SlowStorage: SlowOne(); break;
            case WorldAction.Unseat: UnseatOne(); break;
            default: JumpClock(); break;
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

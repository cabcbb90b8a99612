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
            foreach (string name in _names)
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
                Act();
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
        foreach (WaitingGate gate in _gates)
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

        int deliver = _network.Count > 0 ? rates.Deliver : 0;
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
            DeliverOne();
        }
        else if (Is(storage))
        {
            PassOne(g => g.Kind == GateKind.Storage);
        }
        else if (Is(appends))
        {
            PassOne(g => g.Kind is GateKind.Append or GateKind.Confirm);
        }
        else if (Is(outside))
        {
            PassOne(g => g.Kind is GateKind.Sink or GateKind.Call);
        }
        else if (Is(completions))
        {
            CompleteOne();
        }
        else if (Is(turns))
        {
            PassOne(g => g.Kind == GateKind.Turn);
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
            TellView(Random.PickFrom(_silos));
        }
        else if (Is(rates.Replan))
        {
            Replan();
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

    private SimulatedSilo? PickRunning()
    {
        int count = 0;
        SimulatedSilo? picked = null;
        foreach (SimulatedSilo silo in _silos)
        {
            if (silo.Runs && Random.Below(++count) == 0)
            {
                picked = silo;
            }
        }

        return picked;
    }

    private void StepOne()
    {
        if (PickRunning() is { } silo)
        {
            Step(silo);
        }
    }

    private void Step(SimulatedSilo silo)
    {
        Note((ulong)silo.Incarnation + 1);
        if (silo.ShuttingDown && silo.Silo.Phase is SiloPhase.Running or SiloPhase.Draining)
        {
            Guard(silo, () =>
            {
                if (silo.ShuttingDown && silo.Silo.ReleaseAll())
                {
                    silo.Silo.SealOwnJournal();
                }
            });
        }

        if (silo.Runs)
        {
            Guard(silo, () => silo.Silo.Step());
        }
    }

    private void DeliverOne()
    {
        if (_network.Count == 0)
        {
            return;
        }

        int at = 0;
        if (Faulty && _network.Count > 1 && Random.Chance(Scenario.Rates.Reorder))
        {
            at = Random.Below(_network.Count);
            Totals.MessagesReordered++;
        }

        (int to, SiloMessage message, int from) = _network[at];
        if (Faulty && from == Scenario.Rates.SlowSilo && message is DataMessage && Random.Chance(Scenario.Rates.Slow))
        {
            // Goes to the end of the line.
            _network.RemoveAt(at);
            _network.Add((to, message, from));
            return;
        }

        _network.RemoveAt(at);
        foreach (SimulatedSilo silo in _silos)
        {
            if (silo.Runs && silo.Journal == to)
            {
                if (Tracing && message is not WatermarkMessage)
                {
                    Trace($"{silo.Label} <- {Describe(message)}");
                }

                Note((ulong)to + 1000);
                Guard(silo, () => silo.Silo.Receive(message));
                return;
            }
        }
    }

    private string Describe(SiloMessage message) => message switch
    {
        DataMessage data => $"data from J{data.From} R{data.SealVersion} for {PartitionName(data.Partition)} epoch {data.Epoch} numbers {data.FirstNumber}+{data.Count}{(data.Flagged ? " flagged" : "")} {data.Floor} [{string.Join(' ', data.Slots.Select(s => s.Void ? "void" : s.Vector?.ToString() ?? "{}"))}]",
        AckMessage ack => $"ack from J{ack.From} {PartitionName(ack.Partition)} epoch {ack.Epoch} received {ack.Received} durable {ack.DurableNumber}",
        _ => message.ToString(),
    };

    private void PassOne(Func<WaitingGate, bool> which)
    {
        int count = 0, at = -1;
        for (int i = 0; i < _gates.Count; i++)
        {
            if (which(_gates[i]) && Random.Below(++count) == 0)
            {
                at = i;
            }
        }

        if (at >= 0)
        {
            Pass(at);
        }
    }

    private void Pass(int at)
    {
        WaitingGate gate = _gates[at];
        _gates.RemoveAt(at);
        Note((ulong)gate.Kind + 2000);
        if (!gate.Owner.Runs)
        {
            Trace($"{gate.Owner.Label} (gone) {gate.What} takes effect late");
            Totals.LateEffects++;
            gate.PassUnseen();
            return;
        }

        FaultRates rates = Scenario.Rates;
        if (Faulty)
        {
            bool fails = gate.Kind switch
            {
                GateKind.Storage => Random.Chance(rates.StorageError),
                GateKind.Append => Random.Chance(rates.AppendError),
                GateKind.Sink => Random.Chance(rates.SinkError),
                GateKind.Call => Random.Chance(rates.CallError),
                _ => false,
            };
            if (fails)
            {
                bool effect = Random.Chance(500);
                Trace($"{gate.Owner.Label} {gate.What} fails {(effect ? "after" : "before")} it took effect");
                var error = new StorageException(gate.What + " failed") { Ambiguous = effect || Random.Chance(500) };
                switch (gate.Kind)
                {
                    case GateKind.Storage: Totals.StorageErrors++; break;
                    case GateKind.Append: Totals.AppendErrors++; break;
                    case GateKind.Sink: Totals.SinkErrors++; break;
                    default: Totals.CallErrors++; break;
                }

                if (effect)
                {
                    gate.PassAndRefuse(error);
                }
                else
                {
                    gate.Refuse(error);
                }

                return;
            }
        }

        Trace($"{gate.Owner.Label} {gate.What}");
        gate.Pass();
    }

    private void CompleteOne()
    {
        SimulatedSilo[] waiting = [.. _silos.Where(s => s.Runs && s.Completions.Count > 0)];
        if (waiting.Length > 0)
        {
            SimulatedSilo silo = Random.PickFrom(waiting);
            Complete(silo, Random.Below(silo.Completions.Count));
        }
    }

    private void Complete(SimulatedSilo silo, int at)
    {
        Request request = silo.Completions[at];
        silo.Completions.RemoveAt(at);
        Trace($"{silo.Label} goes on: {request.What}");
        Note(3000);
        Totals.Reread += request.What.StartsWith("read ", StringComparison.Ordinal) && request.What.Contains(" from ", StringComparison.Ordinal) && !request.What.Contains(" to ", StringComparison.Ordinal) ? 1 : 0;
        Guard(silo, () => silo.Silo.Complete(request));
    }

    private void EndTurnOne()
    {
        SimulatedSilo[] waiting = [.. _silos.Where(s => s.Runs && s.EndedTurns.Count > 0)];
        if (waiting.Length > 0)
        {
            SimulatedSilo silo = Random.PickFrom(waiting);
            EndTurn(silo, Random.Below(silo.EndedTurns.Count));
        }
    }

    private void EndTurn(SimulatedSilo silo, int at)
    {
        Turn turn = silo.EndedTurns[at];
        silo.EndedTurns.RemoveAt(at);
        Trace($"{silo.Label} ends the turn at {new Offset(turn.Offset)}");
        Guard(silo, () => silo.Silo.TurnEnded(turn));
    }

    private void ReadOne()
    {
        if (PickRunning() is not { } silo)
        {
            return;
        }

        OperatorDefinition op = Random.PickFrom(Scenario.Topology.Operators);
        if (op.GrainType is null)
        {
            return;
        }

        Read(silo, op, Random.Below(Scenario.Keys), Random.Chance(500), (_, _) => { });
    }

    private void Read(SimulatedSilo silo, OperatorDefinition op, long key, bool stable, Action<StateAnswerKind, ulong> done)
    {
        byte[] bytes = new byte[8];
        KeyCodec.Write(key, bytes);
        int partition = PartitionId.Of(op.From, PartitionOf(op.From, key));
        Totals.Reads++;
        bool answered = false;
        var query = new StateQuery(op.Id, partition, bytes, stable, answer =>
        {
            if (answered)
            {
                Fail("I2", "a read was answered twice");
            }

            answered = true;
            ulong hash = Oracle.Answered(silo, op, partition, bytes, stable, answer);
            done(answer.Kind, hash);
        }, CancellationToken.None);
        Guard(silo, () => silo.Silo.Read(query));
    }

    // ---------- the end of faults

    /// <summary>No more faults: everything drains within bounded time.</summary>
    private void Settle()
    {
        if (Failure is not null)
        {
            return;
        }

        Trace("--- no more faults");
        Faulty = false;
        _planned = [.. _names];
        long started = NowMs, quietSince = -1;
        int steps = 0;
        while (Failure is null && InTime())
        {
            foreach (string name in _names)
            {
                if (!_silos.Any(s => s.Name == name && s.Runs && !s.DeclaredDead))
                {
                    StartSilo(name);
                }
            }

            bool busy = Round();
            foreach (SimulatedProducer producer in _producers)
            {
                producer.Act(mayStartNew: false);
                busy |= !producer.IsDone;
            }

            busy |= _silos.Any(s => s.Runs && (s.DeclaredDead || !s.Silo.IsQuiet)) || _producers.Any(p => !p.IsDone)
                || Oracle.PartitionsWithoutOwner() || Oracle.AnythingBehind();
            quietSince = busy ? -1 : quietSince < 0 ? NowMs : quietSince;
            if (quietSince >= 0 && NowMs - quietSince > 1500)
            {
                break;
            }

            Totals.Steps++;
            if (++steps > MaxQuietSteps || NowMs - started > MaxQuietMs)
            {
                Oracle.CheckAtEnd();
                Fail("I8", $"not quiet {NowMs - started} ms after the last fault: {WhyBusy()}");
            }
        }

        ReadAll();
    }

    /// <summary>Everybody does all that there is to do. Returns whether messages were on their way.</summary>
    private bool Round(bool warmUp = false)
    {
        bool busy = false;
        ChangeView();
        foreach (SimulatedSilo silo in _silos.ToArray())
        {
            // The first view that a silo hears of has all of them, so that partitions are spread.
            if (silo.Runs && (!warmUp || _view.Live.Count == _names.Length))
            {
                TellView(silo);
            }
        }

        for (int i = _network.Count; i > 0 && Failure is null; i--)
        {
            busy |= _network[0].Message is not WatermarkMessage;
            DeliverOne();
        }

        for (int i = _gates.Count; i > 0 && _gates.Count > 0 && Failure is null; i--)
        {
            Pass(0);
        }

        foreach (SimulatedSilo silo in _silos.ToArray())
        {
            while (silo.Runs && silo.Completions.Count > 0 && Failure is null)
            {
                Complete(silo, 0);
            }

            while (silo.Runs && silo.EndedTurns.Count > 0 && Failure is null)
            {
                EndTurn(silo, 0);
            }

            if (silo.Runs && Failure is null)
            {
                Step(silo);
            }
        }

        NowMs += Random.Between(1, 10);
        return busy;
    }

    /// <summary>Every grain's state, through the front door.</summary>
    private void ReadAll()
    {
        var wanted = new List<(OperatorDefinition Op, long Key)>();
        foreach (OperatorDefinition op in Scenario.Topology.Operators)
        {
            for (long key = 0; key < Scenario.Keys && op.GrainType is not null; key++)
            {
                wanted.Add((op, key));
            }
        }

        int left = wanted.Count;
        foreach ((OperatorDefinition op, long key) in wanted)
        {
            int partition = PartitionId.Of(op.From, PartitionOf(op.From, key));
            SimulatedSilo? owner = _silos.FirstOrDefault(s => s.Runs && s.Silo.Ownerships.Find(partition) is not null);
            if (owner is null || Failure is not null)
            {
                return;
            }

            Read(owner, op, key, stable: true, (kind, hash) =>
            {
                left--;
                Oracle.CheckFinalState(op, key, kind, hash);
            });
        }

        for (int i = 0; i < 2000 && left > 0 && Failure is null; i++)
        {
            while (_gates.Count > 0)
            {
                Pass(0);
            }

            while (_network.Count > 0)
            {
                DeliverOne();
            }

            foreach (SimulatedSilo silo in _silos.ToArray())
            {
                while (silo.Runs && silo.Completions.Count > 0 && Failure is null)
                {
                    Complete(silo, 0);
                }

                if (silo.Runs && Failure is null)
                {
                    Step(silo);
                }
            }

            NowMs += 5;
        }

        if (left > 0)
        {
            Fail("I8", $"{left} reads were never answered");
        }
    }

    private string WhyBusy()
    {
        var why = new List<string>();
        foreach (SimulatedSilo silo in _silos.Where(s => s.Runs))
        {
            if (silo.DeclaredDead)
            {
                why.Add($"{silo.Label} still runs though it was declared dead");
            }

            if (!silo.Silo.IsQuiet)
            {
                why.Add($"{silo.Label} ({silo.Silo.Phase}): unflushed {silo.Silo.Journal.HasUnflushed}, sends {string.Join(' ', silo.Silo.Outbox.Waits.Select(w => $"{PartitionName(w.Partition)}x{w.Batches}"))}, "
                    + $"partitions {string.Join(' ', silo.Silo.Ownerships.Active.Where(p => p.HasWork).Select(p => p.Name))}, loading {silo.Silo.Ownerships.Loading}, faults {string.Join("; ", silo.Silo.Ownerships.Faults.Values)}");
            }
        }

        why.AddRange(_producers.Where(p => !p.IsDone).Select(p => $"{p.Id} is not done"));
        if (Oracle.PartitionsWithoutOwner())
        {
            why.Add($"nobody serves {string.Join(' ', Oracle.Unowned().Select(PartitionName))}");
        }

        why.AddRange(Oracle.Behind());
        return string.Join(" | ", why);
    }
}

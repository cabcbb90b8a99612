using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>The single actions that a schedule is made of.</summary>
internal sealed partial class SimulatedWorld
{
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
}

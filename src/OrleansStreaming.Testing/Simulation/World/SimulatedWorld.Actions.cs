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

    public void Step(SimulatedSilo silo)
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

    private void CompleteOne()
    {
        SimulatedSilo[] waiting = [.. _silos.Where(s => s.Runs && s.Completions.Count > 0)];
        if (waiting.Length > 0)
        {
            SimulatedSilo silo = Random.PickFrom(waiting);
            Complete(silo, Random.Below(silo.Completions.Count));
        }
    }

    public void Complete(SimulatedSilo silo, int at)
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

    public void EndTurn(SimulatedSilo silo, int at)
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

    public void Read(SimulatedSilo silo, OperatorDefinition op, long key, bool stable, Action<StateAnswerKind, ulong> done)
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
}

using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Testing.Simulation;

/// <content>What silos are made to do, one thing at a time.</content>
internal sealed partial class SimulatedWorld
{
    /// <summary>Time passes.</summary>
    public void Wait(int milliseconds) => NowMs += milliseconds;

    public void Step(SimulatedSilo silo)
    {
        Note((ulong)silo.Incarnation + 1);
        Guard(silo, static (silo, world) =>
        {
            if (silo.Stop?.Step() == false)
            {
                world.Kill(silo);
            }

            if (silo.Runs)
            {
                silo.Silo.Step();
            }
        }, this);
    }

    public void Complete(SimulatedSilo silo, int at)
    {
        Request request = silo.Completions[at];
        silo.Completions.RemoveAt(at);
        Trace($"{silo.Label} goes on: {request.What}");
        Note(3000);
        Totals.Reread += IsReread(request.What) ? 1 : 0;
        Guard(silo, static (silo, request) => silo.Silo.Complete(request), request);
    }

    public void EndTurn(SimulatedSilo silo, int at)
    {
        Turn turn = silo.EndedTurns[at];
        silo.EndedTurns.RemoveAt(at);
        Trace($"{silo.Label} ends the turn at {new Offset(turn.Offset)}");
        Guard(silo, static (silo, turn) => silo.Silo.TurnEnded(turn), turn);
    }

    public void Read(SimulatedSilo silo, OperatorDefinition op, int partition, int key, bool stable, Action<StateAnswer> done)
    {
        Totals.Reads++;
        bool answered = false;
        var query = new StateQuery(op.Id, partition, Oracle.Keys[key], stable, answer =>
        {
            if (answered)
            {
                Fail("I2", "a read was answered twice");
            }

            answered = true;
            if (answer.Kind == StateAnswerKind.Found)
            {
                IReadOnlyList<RecordSet> versions = Oracle.Folds.Answered(silo, op, partition, key, answer);
                if (stable && versions.Count > 0)
                {
                    Oracle.Release.ToReader(silo, op, answer.Offset, versions);
                }
            }

            done(answer);
        }, CancellationToken.None);
        Guard(silo, static (silo, query) => silo.Silo.Read(query), query);
    }

    /// <summary>Calls a silo. A port may have killed it at one of its calls.</summary>
    public void Guard<T>(SimulatedSilo silo, Action<SimulatedSilo, T> action, T argument)
    {
        try
        {
            action(silo, argument);
        }
        catch (SiloKilledException)
        {
            Kill(silo);
        }
    }

    /// <summary>Such as "read silo0-1 from 7", and not "read silo0-1 from 1 to 7", which opens partitions.</summary>
    private static bool IsReread(string what) =>
        what.StartsWith("read ", StringComparison.Ordinal) && what.Contains(" from ", StringComparison.Ordinal) && !what.Contains(" to ", StringComparison.Ordinal);

    private SimulatedSilo? PickRunning(Func<SimulatedSilo, bool>? which = null)
    {
        int count = 0;
        SimulatedSilo? picked = null;
        foreach (SimulatedSilo silo in _silos)
        {
            if (!silo.IsPaused && which?.Invoke(silo) != false && Random.Below(++count) == 0)
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

    private void CompleteOne()
    {
        if (PickRunning(static s => s.Completions.Count > 0) is { } silo)
        {
            Complete(silo, Random.Below(silo.Completions.Count));
        }
    }

    private void EndTurnOne()
    {
        if (PickRunning(static s => s.EndedTurns.Count > 0) is { } silo)
        {
            EndTurn(silo, Random.Below(silo.EndedTurns.Count));
        }
    }

    private void TellOne()
    {
        if (PickRunning() is { } silo)
        {
            Membership.Tell(silo);
        }
    }

    private void ReadOne()
    {
        if (Oracle.Records.Count == 0 || PickRunning() is not { } silo)
        {
            return;
        }

        OracleRecord record = Oracle.Records[Random.Below(Oracle.Records.Count)];
        foreach (OperatorDefinition op in Topology.Operators)
        {
            if (op.GrainType is not null && op.From.Id == PartitionId.StreamId(record.Partition))
            {
                Read(silo, op, record.Partition, record.Key, Random.Chance(500), static _ => { });
                return;
            }
        }
    }
}

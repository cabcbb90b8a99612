using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>
/// All that waits for the schedule: storage, sinks, calls, turns. The schedule says when each takes effect, and chance
/// whether it fails, before or after that.
/// </summary>
internal sealed class Gates(SimulatedWorld world)
{
    public const int StorageKinds = 1 << (int)GateKind.Storage;
    public const int AppendKinds = (1 << (int)GateKind.Append) | (1 << (int)GateKind.Confirm);
    public const int OutsideKinds = (1 << (int)GateKind.Sink) | (1 << (int)GateKind.Call);
    public const int TurnKinds = 1 << (int)GateKind.Turn;
    private readonly List<Gate> _waiting = [];

    public IReadOnlyList<Gate> Waiting => _waiting;

    /// <summary>The kinds of those that may pass now, as bits.</summary>
    public int Kinds()
    {
        int kinds = 0;
        foreach (Gate gate in _waiting)
        {
            kinds |= IsHeldUp(gate) ? 0 : 1 << (int)gate.Kind;
        }

        return kinds;
    }

    /// <summary>Waits until the schedule lets an operation take effect.</summary>
    public ValueTask<T> Wait<T>(SimulatedSilo owner, GateKind kind, GateName what, Func<T> effect, Action<int>? tear = null)
    {
        var gate = new Gate<T>(owner, kind, what, effect) { Tear = tear };
        _waiting.Add(gate);
        return new ValueTask<T>(gate.Task);
    }

    /// <summary>Lets one of some kinds pass.</summary>
    public void PassOne(int kinds)
    {
        int count = 0, at = -1;
        for (int i = 0; i < _waiting.Count; i++)
        {
            if ((kinds & (1 << (int)_waiting[i].Kind)) != 0 && !IsHeldUp(_waiting[i]) && world.Random.Below(++count) == 0)
            {
                at = i;
            }
        }

        if (at >= 0)
        {
            Pass(at);
        }
    }

    public void Pass(int at)
    {
        Gate gate = _waiting[at];
        if (world.Faulty && world.Director?.Holds(world, gate) == true)
        {
            return;
        }

        _waiting.RemoveAt(at);
        world.Note((ulong)gate.Kind + 2000);
        if (!gate.Owner.Runs || gate.Late)
        {
            world.Trace($"{gate.Owner.Label} ({(gate.Late ? "given up" : "gone")}) {gate.What} takes effect late");
            world.Totals.Count(FaultKind.LateEffect);
            world.Faults.GoesWrong();
            gate.PassUnseen();
        }
        else if (gate.What.Verb == "swap" && world.Faults.Strikes(FaultKind.StorageError, world.Scenario.Rates.LateSwap))
        {
            world.Trace($"{gate.Owner.Label} gives {gate.What} up");
            gate.Late = true;
            _waiting.Add(gate);
            gate.Refuse(new StorageException($"{gate.What} was not answered in time") { Ambiguous = true });
        }
        else if (Fails(gate.Kind))
        {
            bool effect = world.Random.Chance(500);
            world.Trace($"{gate.Owner.Label} {gate.What} fails {(effect ? "after" : "before")} it took effect");
            var error = new StorageException($"{gate.What} failed") { Ambiguous = effect || world.Random.Chance(500) };
            if (effect)
            {
                gate.PassAndRefuse(error);
            }
            else
            {
                gate.Refuse(error);
            }
        }
        else
        {
            world.Trace($"{gate.Owner.Label} {gate.What}");
            gate.Pass();
        }
    }

    /// <summary>Takes an operation out: what becomes of it is up to the caller.</summary>
    public Gate Take(int at)
    {
        Gate gate = _waiting[at];
        _waiting.RemoveAt(at);
        return gate;
    }

    /// <summary>A silo is gone: some of what it had asked for still happens, later or in part.</summary>
    public void Orphan(SimulatedSilo silo)
    {
        for (int i = _waiting.Count - 1; i >= 0; i--)
        {
            Gate gate = _waiting[i];
            if (gate.Owner != silo)
            {
                continue;
            }

            bool nobodyWaits = gate.Kind is GateKind.Turn or GateKind.Confirm or GateKind.Call;
            if (nobodyWaits || world.Random.Chance(world.Scenario.Rates.LoseRequests))
            {
                _waiting.RemoveAt(i);
                if (gate.Tear is not null && world.Faults.Strikes(FaultKind.TornAppend, 400))
                {
                    gate.Tear(world.Random.Between(0, 1000));
                }
            }
        }
    }

    private static bool IsHeldUp(Gate gate) => gate.Kind is GateKind.Storage or GateKind.Append or GateKind.Confirm && gate.Owner is { Runs: true, StorageIsSlow: true };

    private bool Fails(GateKind kind)
    {
        FaultRates rates = world.Scenario.Rates;
        return kind switch
        {
            GateKind.Storage => world.Faults.Strikes(FaultKind.StorageError, rates.StorageError),
            GateKind.Append => world.Faults.Strikes(FaultKind.FailedFlush, rates.FailedFlush),
            GateKind.Sink => world.Faults.Strikes(FaultKind.SinkError, rates.SinkError),
            GateKind.Call => world.Faults.Strikes(FaultKind.CallError, rates.CallError),
            _ => false,
        };
    }
}

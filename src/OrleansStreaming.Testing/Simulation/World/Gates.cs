using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>
/// All that waits for the schedule: storage, sinks, calls, turns. The schedule says when each takes effect, and chance
/// whether it fails, before or after that.
/// </summary>
internal sealed class Gates(SimulatedWorld world)
{
    private readonly List<Gate> _waiting = [];

    public IReadOnlyList<Gate> Waiting => _waiting;

    /// <summary>Waits until the schedule lets an operation take effect.</summary>
    public ValueTask<T> Wait<T>(SimulatedSilo owner, GateKind kind, string what, Func<T> effect)
    {
        var gate = new Gate<T>(owner, kind, what, effect);
        _waiting.Add(gate);
        return new ValueTask<T>(gate.Task);
    }

    /// <summary>Lets one of those that answer to a description pass.</summary>
    public void PassOne(Func<Gate, bool> which)
    {
        int count = 0, at = -1;
        for (int i = 0; i < _waiting.Count; i++)
        {
            if (which(_waiting[i]) && world.Random.Below(++count) == 0)
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
        if (!gate.Owner.Runs)
        {
            world.Trace($"{gate.Owner.Label} (gone) {gate.What} takes effect late");
            world.Totals.LateEffects++;
            gate.PassUnseen();
        }
        else if (world.Faulty && Fails(gate.Kind))
        {
            bool effect = world.Random.Chance(500);
            world.Trace($"{gate.Owner.Label} {gate.What} fails {(effect ? "after" : "before")} it took effect");
            var error = new StorageException(gate.What + " failed") { Ambiguous = effect || world.Random.Chance(500) };
            Count(gate.Kind);
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

    /// <summary>A silo is gone: some of what it had asked for still happens, later.</summary>
    public void Orphan(SimulatedSilo silo)
    {
        for (int i = _waiting.Count - 1; i >= 0; i--)
        {
            if (_waiting[i].Owner == silo)
            {
                bool external = _waiting[i].Kind is GateKind.Turn or GateKind.Confirm or GateKind.Call;
                if (external || world.Random.Chance(world.Scenario.Rates.LoseRequests))
                {
                    _waiting.RemoveAt(i);
                }
                else if (_waiting[i].Kind == GateKind.Append)
                {
                    world.Totals.TornAppends++;
                }
            }
        }
    }

    private bool Fails(GateKind kind)
    {
        FaultRates rates = world.Scenario.Rates;
        return kind switch
        {
            GateKind.Storage => world.Random.Chance(rates.StorageError),
            GateKind.Append => world.Random.Chance(rates.AppendError),
            GateKind.Sink => world.Random.Chance(rates.SinkError),
            GateKind.Call => world.Random.Chance(rates.CallError),
            _ => false,
        };
    }

    private void Count(GateKind kind)
    {
        switch (kind)
        {
            case GateKind.Storage: world.Totals.StorageErrors++; break;
            case GateKind.Append: world.Totals.AppendErrors++; break;
            case GateKind.Sink: world.Totals.SinkErrors++; break;
            default: world.Totals.CallErrors++; break;
        }
    }
}

namespace OrleansStreaming.Testing.Simulation;

/// <summary>A state by value, as the operators see it.</summary>
internal readonly record struct LogicState(ulong Hash, int Count, int Timers, StateParts Parts);

/// <summary>
/// The operators of the simulation. They fold all that they see (events, offsets, times, answers) into a hash, and what they
/// emit follows from it: any event lost, doubled or out of order shows in all that comes after it.
/// </summary>
internal abstract class SimulatedGrain<TKey, TState>(IGrainWorld world, int slot)
    : OperatorGrain<TKey, TState>, IConsume<SimulatedEvent>, IConsume<SimulatedAlarm>, IOnTimer, ICall<SimulatedRequest, SimulatedAnswer>
    where TKey : notnull
    where TState : new()
{
    private const int MostRequests = 12;
    private readonly SimulatedOperator _operator = world.Operator(slot);

    protected abstract LogicState Logic { get; set; }

    public ValueTask OnEvent(SimulatedEvent @event, EventContext context) => Turn(@event.Id, @event.Ttl, context);

    public ValueTask OnEvent(SimulatedAlarm alarm, EventContext context) => Turn(~alarm.Id, 0, context);

    public ValueTask OnTimer(string timer, EventContext context)
    {
        Fold((ulong)timer[^1] + 1000, 1, context);
        return default;
    }

    public async ValueTask<SimulatedAnswer> Call(SimulatedRequest request, CancellationToken cancellationToken) =>
        new() { Value = await world.Answer(request.Id).ConfigureAwait(false) };

    public ValueTask OnResult(SimulatedRequest request, CallResult<SimulatedAnswer> result, EventContext context)
    {
        Fold(SimulationRandom.Mix(request.Id, result.Succeeded ? result.Value.Value : ulong.MaxValue), 1, context);
        return default;
    }

    private ValueTask Turn(ulong id, int ttl, EventContext context)
    {
        if (world.PerhapsWait(slot) is { } wait)
        {
            return TurnLater(wait, id, ttl, context);
        }

        TurnNow(id, ttl, context);
        return default;
    }

    private async ValueTask TurnLater(Task wait, ulong id, int ttl, EventContext context)
    {
        // Half of the state is changed before the wait, so that an undone turn shows.
        LogicState before = Logic;
        Logic = before with { Count = before.Count + 1_000_000 };
        await wait.ConfigureAwait(false);
        Logic = before;
        TurnNow(id, ttl, context);
    }

    private void TurnNow(ulong id, int ttl, EventContext context)
    {
        if (_operator.LeavesOut && _operator.ThrowsOn(id))
        {
            Logic = Logic with { Hash = ~Logic.Hash };
            context.Emit(_operator.To[0], new SimulatedEvent { Key = 0, Id = 13 });
            throw new SimulatedThrow("this event is not to be borne");
        }

        Fold(id, ttl, context);
        world.PerhapsThrow(slot, context.Offset, id);
    }

    private void Fold(ulong input, int ttl, EventContext context)
    {
        LogicState state = Logic;
        ulong micros = (ulong)((context.Time - DateTimeOffset.UnixEpoch).Ticks / 10);
        ulong hash = SimulationRandom.Mix(SimulationRandom.Mix(state.Hash, input), SimulationRandom.Mix((ulong)context.Offset.Value, micros));
        hash = SimulationRandom.Mix(hash, (ulong)slot);
        int part = (int)(hash % StateParts.Count);
        hash = SimulationRandom.Mix(hash, (ulong)state.Parts[part]);
        EmitAll(hash, ttl, context);
        Logic = new LogicState(hash, state.Count + 1, state.Timers + Ask(hash, state.Timers, context), state.Parts.With(part, (int)(hash % StateParts.Values)));
    }

    private void EmitAll(ulong hash, int ttl, EventContext context)
    {
        for (int s = 0; s < _operator.To.Length; s++)
        {
            string to = _operator.To[s];
            ulong draw = SimulationRandom.Mix(hash, (ulong)s + 1);
            int count = _operator.Bursts
                ? (int)(draw % 8) switch { 0 => 5, 1 => 2, _ => 0 }
                : (int)(draw % 8) switch { 0 or 1 => 0, 7 => 2, _ => 1 };
            if (Array.IndexOf(_operator.Feedback, to) >= 0)
            {
                count = ttl <= 0 ? 0 : Math.Min(count, 1);
            }

            for (int i = 0; i < count; i++)
            {
                ulong id = SimulationRandom.Mix(hash, ((ulong)s << 8) + (ulong)i + 100);
                long key = _operator.Skewed && id % 4 > 0 ? 0 : (long)(id >> 8) % world.Keys;
                if (id % 5 == 0 && Array.IndexOf(_operator.Alarms, to) >= 0)
                {
                    context.Emit(to, new SimulatedAlarm { Key = key, Id = id });
                }
                else
                {
                    context.Emit(to, new SimulatedEvent { Key = key, Id = id, Ttl = ttl - 1 });
                }
            }
        }
    }

    /// <summary>Sets timers and asks for calls. Returns how many.</summary>
    private int Ask(ulong hash, int soFar, EventContext context)
    {
        ulong more = SimulationRandom.Mix(hash, 999);
        int asked = 0;
        if (_operator.Timers && more % 5 == 0 && soFar < MostRequests)
        {
            context.SetTimer($"timer{(more >> 8) % 3}", TimeSpan.FromMicroseconds((more >> 16) % 400_000));
            asked++;
        }

        if (_operator.Timers && more % 11 == 0)
        {
            context.CancelTimer($"timer{(more >> 8) % 3}");
        }

        if (_operator.Calls && more % 7 == 0 && soFar + asked < MostRequests)
        {
            context.Call(new SimulatedRequest { Id = more });
            asked++;
        }

        return asked;
    }
}

/// <summary>With an unmanaged state.</summary>
internal sealed class PlainGrain<TKey, TSlot>(IGrainWorld world) : SimulatedGrain<TKey, PlainState>(world, Slot.IndexOf(typeof(TSlot)))
    where TKey : notnull
{
    protected override LogicState Logic
    {
        get => new(State.Hash, State.Count, State.Timers, State.Parts);
        set => State = new PlainState { Hash = value.Hash, Count = value.Count, Timers = value.Timers, Parts = value.Parts };
    }
}

/// <summary>With a state on the heap.</summary>
internal sealed class ObjectGrain<TKey, TSlot>(IGrainWorld world) : SimulatedGrain<TKey, ObjectState>(world, Slot.IndexOf(typeof(TSlot)))
    where TKey : notnull
{
    protected override LogicState Logic
    {
        get => new(State.Hash, State.Count, State.Timers, State.Parts);
        set
        {
            State.Hash = value.Hash;
            State.Count = value.Count;
            State.Timers = value.Timers;
            State.Parts = value.Parts;
        }
    }
}

/// <summary>Thrown by operators. Its text has no stack trace, which changes with what the compiler inlines.</summary>
internal sealed class SimulatedThrow(string message) : Exception(message)
{
    public override string ToString() => Message;
}

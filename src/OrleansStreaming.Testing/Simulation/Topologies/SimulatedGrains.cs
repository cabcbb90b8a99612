namespace OrleansStreaming.Testing.Simulation;

/// <summary>Hands what the logic does to the turn's context.</summary>
internal sealed class TurnAdapter(EventContext context) : ILogicContext
{
    public void Emit(string stream, SimulatedEvent output) => context.Emit(stream, output);

    public void SetTimer(string name, long dueMicros) => context.SetTimer(name, TimeSpan.FromMicroseconds(dueMicros));

    public void CancelTimer(string name) => context.CancelTimer(name);

    public void Call(SimulatedRequest request) => context.Call(request);
}

/// <summary>The operators of the simulation.</summary>
internal abstract class SimulatedGrain<TState>(IGrainWorld world, int slot)
    : OperatorGrain<long, TState>, IConsume<SimulatedEvent>, IOnTimer, ICall<SimulatedRequest, SimulatedAnswer>
    where TState : new()
{
    protected abstract LogicState Logic { get; set; }

    private SimulatedOperator Operator => world.Operator(slot);

    public ValueTask OnEvent(SimulatedEvent @event, EventContext context)
    {
        if (world.PerhapsWait(slot) is { } wait)
        {
            return OnEventLater(wait, @event, context);
        }

        Turn(@event, context);
        return default;
    }

    public ValueTask OnTimer(string timer, EventContext context)
    {
        Logic = SimulatedLogic.OnTimer(Operator, Logic, timer, context.Offset.Value, Micros(context), world.Keys, new TurnAdapter(context));
        return default;
    }

    public async ValueTask<SimulatedAnswer> Call(SimulatedRequest request, CancellationToken cancellationToken) =>
        new() { Value = await world.Answer(request.Id).ConfigureAwait(false) };

    public ValueTask OnResult(SimulatedRequest request, CallResult<SimulatedAnswer> result, EventContext context)
    {
        ulong answer = result.Succeeded ? result.Value.Value : ulong.MaxValue;
        Logic = SimulatedLogic.OnResult(Operator, Logic, request, answer, context.Offset.Value, Micros(context), world.Keys, new TurnAdapter(context));
        return default;
    }

    private async ValueTask OnEventLater(Task wait, SimulatedEvent @event, EventContext context)
    {
        // Half of the state is changed before the wait, so that an undone turn shows.
        LogicState before = Logic;
        Logic = before with { Count = before.Count + 1_000_000 };
        await wait.ConfigureAwait(false);
        Logic = before;
        Turn(@event, context);
    }

    private void Turn(SimulatedEvent @event, EventContext context)
    {
        LogicState before = Logic;
        if (SimulatedLogic.AlwaysThrows(Operator, @event.Id))
        {
            Logic = before with { Hash = ~before.Hash };
            context.Emit(Operator.To[0], new SimulatedEvent { Key = 0, Id = 13 });
            throw new SimulatedThrow("this event is not to be borne");
        }

        Logic = SimulatedLogic.OnEvent(Operator, before, @event, context.Offset.Value, Micros(context), world.Keys, new TurnAdapter(context));
        world.PerhapsThrow(slot, Key, context.Offset);
    }

    private static long Micros(EventContext context) => (context.Time - DateTimeOffset.UnixEpoch).Ticks / 10;
}

/// <summary>With an unmanaged state.</summary>
internal sealed class PlainGrain<TSlot>(IGrainWorld world) : SimulatedGrain<PlainState>(world, Slot.IndexOf(typeof(TSlot)))
{
    protected override LogicState Logic
    {
        get => new(State.Hash, State.Count, State.Timers);
        set => State = new PlainState { Hash = value.Hash, Count = value.Count, Timers = value.Timers };
    }
}

/// <summary>With a state on the heap.</summary>
internal sealed class ObjectGrain<TSlot>(IGrainWorld world) : SimulatedGrain<ObjectState>(world, Slot.IndexOf(typeof(TSlot)))
{
    protected override LogicState Logic
    {
        get => new(State.Hash, State.Count, State.Timers);
        set
        {
            State.Hash = value.Hash;
            State.Count = value.Count;
            State.Timers = value.Timers;
        }
    }
}

/// <summary>Thrown by operators. Its text has no stack trace, which changes with what the compiler inlines.</summary>
internal sealed class SimulatedThrow(string message) : Exception(message)
{
    public override string ToString() => Message;
}

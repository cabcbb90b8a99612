namespace OrleansStreaming.Testing.Simulation;

/// <summary>A state by value, as the logic sees it.</summary>
internal readonly record struct LogicState(ulong Hash, int Count, int Timers);

/// <summary>Takes what a turn does.</summary>
internal interface ILogicContext
{
    void Emit(string stream, SimulatedEvent output);

    void SetTimer(string name, long dueMicros);

    void CancelTimer(string name);

    void Call(SimulatedRequest request);
}

/// <summary>
/// What the simulated operators do, as pure functions of state and input: the grains run them, and so does the oracle.
/// </summary>
internal static class SimulatedLogic
{
    /// <summary>Whether an operator throws on an event whenever it sees it.</summary>
    public static bool AlwaysThrows(SimulatedOperator op, ulong eventId) =>
        op.Throws && SimulationRandom.Mix(eventId, (ulong)op.Slot + 77) % 13 == 0;

    public static LogicState OnEvent(SimulatedOperator op, LogicState state, in SimulatedEvent @event, long offset, long time, int keys, ILogicContext context)
    {
        ulong hash = Fold(state.Hash, @event.Id, offset, time);
        return After(op, state, hash, @event.Ttl, keys, context);
    }

    public static LogicState OnTimer(SimulatedOperator op, LogicState state, string name, long offset, long time, int keys, ILogicContext context)
    {
        ulong hash = Fold(state.Hash, (ulong)name[^1] + 1000, offset, time);
        return After(op, state, hash, 1, keys, context);
    }

    public static LogicState OnResult(SimulatedOperator op, LogicState state, SimulatedRequest request, ulong answer, long offset, long time, int keys, ILogicContext context)
    {
        ulong hash = Fold(state.Hash, SimulationRandom.Mix(request.Id, answer), offset, time);
        return After(op, state, hash, 1, keys, context);
    }

    private static ulong Fold(ulong hash, ulong id, long offset, long time) =>
        SimulationRandom.Mix(SimulationRandom.Mix(hash, id), SimulationRandom.Mix((ulong)offset, (ulong)time));

    private static LogicState After(SimulatedOperator op, LogicState state, ulong hash, int ttl, int keys, ILogicContext context)
    {
        hash = SimulationRandom.Mix(hash, (ulong)op.Slot);
        int timers = state.Timers;
        for (int s = 0; s < op.To.Length; s++)
        {
            ulong draw = SimulationRandom.Mix(hash, (ulong)s + 1);
            int count = (int)(draw % 8) switch { 0 or 1 => 0, 7 => 2, _ => 1 };
            if (Array.IndexOf(op.Feedback, op.To[s]) >= 0)
            {
                count = ttl <= 0 ? 0 : Math.Min(count, 1);
            }

            for (int i = 0; i < count; i++)
            {
                ulong id = SimulationRandom.Mix(hash, ((ulong)s << 8) + (ulong)i + 100);
                context.Emit(op.To[s], new SimulatedEvent { Key = (long)(id >> 8) % keys, Id = id, Ttl = ttl - 1 });
            }
        }

        ulong more = SimulationRandom.Mix(hash, 999);
        if (op.Timers && more % 5 == 0 && timers < 12)
        {
            context.SetTimer($"timer{(more >> 8) % 3}", (long)((more >> 16) % 400_000));
            timers++;
        }

        if (op.Timers && more % 11 == 0)
        {
            context.CancelTimer($"timer{(more >> 8) % 3}");
        }

        if (op.Calls && more % 7 == 0 && timers < 12)
        {
            context.Call(new SimulatedRequest { Id = more });
            timers++;
        }

        return new LogicState(hash, state.Count + 1, timers);
    }
}

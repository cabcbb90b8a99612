using OrleansStreaming;

namespace Flights;

/// <summary>One grain per route: how late its flights are. Reports after every flight.</summary>
public sealed class RouteDelays : OperatorGrain<DelayStats>, IConsume<Flight>
{
    /// <inheritdoc/>
    public ValueTask OnEvent(Flight flight, EventContext context)
    {
        State.Add(flight.Delay);
        context.Emit("reports", new RouteReport(Key, State.Count, Math.Round((double)State.SumDelay / State.Count, 1), State.MaxDelay));
        return default;
    }
}

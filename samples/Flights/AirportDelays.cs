using OrleansStreaming;

namespace Flights;

/// <summary>One grain per airport: how late its flights leave. Passes every flight on, to be counted by route.</summary>
public sealed class AirportDelays : OperatorGrain<DelayStats>, IConsume<Flight>
{
    /// <inheritdoc/>
    public ValueTask OnEvent(Flight flight, EventContext context)
    {
        State.Add(flight.Delay);
        context.Emit("routes", flight);
        return default;
    }
}

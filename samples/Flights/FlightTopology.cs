using OrleansStreaming;

namespace Flights;

/// <summary>What happens to flights, whatever engine runs it.</summary>
public static class FlightTopology
{
    /// <summary>Declares the streams and the operators: delays by airport, and then by route, with a report after every flight.</summary>
    /// <param name="streaming">The topology.</param>
    /// <returns>The same topology, for what else is to be declared.</returns>
    public static StreamingBuilder AddFlights(this StreamingBuilder streaming) => streaming
        .UseJson(FlightJson.Default)
        .AddStream<Flight>("flights", keyedBy: f => f.Origin)
        .AddOperator<AirportDelays>(from: "flights", to: "routes")
        .AddStream<Flight>("routes", keyedBy: f => f.Route)
        .AddOperator<RouteDelays>(from: "routes", to: "reports")
        .AddStream<RouteReport>("reports", keyedBy: r => r.Route);
}

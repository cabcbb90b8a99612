using System.Runtime.InteropServices;
using System.Text.Json;
using OrleansStreaming;

namespace FlightCluster.Drive;

/// <summary>What a file of flights comes to, counted in a plain loop.</summary>
internal sealed class Expectation
{
    private readonly Dictionary<string, DelayStats> _airports = [];
    private readonly Dictionary<string, DelayStats> _routes = [];

    private Expectation(IReadOnlyList<Flight> flights)
    {
        Flights = flights;
        foreach (Flight flight in flights)
        {
            CollectionsMarshal.GetValueRefOrAddDefault(_airports, flight.Origin, out _).Add(flight.Delay);
            CollectionsMarshal.GetValueRefOrAddDefault(_routes, flight.Route, out _).Add(flight.Delay);
        }

        using var digest = new StateDigest();
        digest.Add(nameof(AirportDelays), _airports.Select(Json));
        digest.Add(nameof(RouteDelays), _routes.Select(Json));
        Digest = digest.Take();
    }

    public IReadOnlyList<Flight> Flights { get; }

    /// <summary>The digest of these states.</summary>
    public string Digest { get; }

    /// <summary>How many flights each airport has.</summary>
    public IEnumerable<KeyValuePair<string, long>> Airports => _airports.Select(a => KeyValuePair.Create(a.Key, a.Value.Count));

    /// <summary>How many flights each route has.</summary>
    public IReadOnlyDictionary<string, long> Routes => _routes.ToDictionary(r => r.Key, r => r.Value.Count);

    /// <exception cref="UserException">It is not a file of flights; says where.</exception>
    public static async Task<Expectation> ReadAsync(string file, CancellationToken cancellationToken)
    {
        await FlightData.CountAsync(file, cancellationToken); // Checks it, too.
        List<Flight> flights = [];
        await foreach (SourceEvent<Flight> flight in new FileSource<Flight>(file).ReadAsync(-1, cancellationToken))
        {
            flights.Add(flight.Event);
        }

        return new Expectation(flights);
    }

    private static KeyValuePair<string, string> Json(KeyValuePair<string, DelayStats> state) =>
        KeyValuePair.Create(state.Key, JsonSerializer.Serialize(state.Value, FlightJson.Default.DelayStats));
}

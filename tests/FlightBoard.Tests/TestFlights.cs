using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace FlightBoard.Tests;

/// <summary>A small file of flights in a folder of its own, and the digest that every run over it must have, computed by other means.</summary>
internal sealed class TestFlights : IDisposable
{
    private const int Flights = 4000;

    public TestFlights()
    {
        var random = new Random(20010101);
        string[] airports = ["ATL", "ORD", "DTW", "LAS", "SFO", "JFK", "SEA", "DEN", "IAH", "MSP", "PHX", "STL"];
        var flights = Enumerable.Range(0, Flights).Select(i =>
        {
            string origin = airports[random.Next(airports.Length)], destination = airports[random.Next(airports.Length)];
            return (Origin: origin, Destination: destination, Delay: random.Next(-20, 240));
        }).ToList();
        Input = Path.Combine(Folder, "flights.json");
        File.WriteAllText(Input, JsonSerializer.Serialize(flights.Select((f, i) => new
        {
            date = $"2001/01/{1 + (i / 200),2:00} 10:00",
            delay = f.Delay,
            distance = 100 + i % 900,
            origin = f.Origin,
            destination = f.Destination,
        })));
        var text = new StringBuilder();
        Describe(text, "AirportDelays", flights.GroupBy(f => f.Origin).Select(g => (g.Key, g.Select(f => f.Delay).ToList())));
        Describe(text, "RouteDelays", flights.GroupBy(f => $"{f.Origin}-{f.Destination}").Select(g => (g.Key, g.Select(f => f.Delay).ToList())));
        DigestLine = $"digest: {Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())))}";
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("flightboard-").FullName;

    public string Input { get; }

    public string DigestLine { get; }

    public string this[string name] => Path.Combine(Folder, name);

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    private static void Describe(StringBuilder text, string name, IEnumerable<(string Key, List<int> Delays)> groups)
    {
        foreach ((string key, List<int> delays) in groups.OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            text.Append(CultureInfo.InvariantCulture, $"{name} {key} {{\"count\":{delays.Count},\"sumDelay\":{delays.Sum()},\"maxDelay\":{delays.Max()},\"minDelay\":{delays.Min()}}}\n");
        }
    }
}

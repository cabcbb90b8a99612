using System.Text.Json.Serialization;

namespace Flights;

/// <summary>A flight as the data set has it; other fields are ignored.</summary>
public sealed record Flight
{
    /// <summary>The scheduled departure, as text.</summary>
    public required string Date { get; init; }

    /// <summary>Minutes late; negative when it was early.</summary>
    public required int Delay { get; init; }

    /// <summary>Miles.</summary>
    public required int Distance { get; init; }

    /// <summary>The airport that it left, such as <c>DTW</c>.</summary>
    public required string Origin { get; init; }

    /// <summary>The airport that it went to.</summary>
    public required string Destination { get; init; }

    /// <summary>Such as <c>DTW-LAS</c>.</summary>
    [JsonIgnore]
    public string Route => $"{Origin}-{Destination}";
}

/// <summary>How a route stands after one more flight.</summary>
/// <param name="Route">The route.</param>
/// <param name="Flights">Flights so far.</param>
/// <param name="MeanDelay">Their mean delay in minutes.</param>
/// <param name="MaxDelay">The longest delay so far.</param>
public sealed record RouteReport(string Route, long Flights, double MeanDelay, int MaxDelay);

/// <summary>Source-generated JSON of the events and the state.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Flight))]
[JsonSerializable(typeof(RouteReport))]
[JsonSerializable(typeof(DelayStats))]
public sealed partial class FlightJson : JsonSerializerContext;

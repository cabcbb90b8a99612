using OrleansStreaming.Topologies;

namespace OrleansStreaming.Abstractions.Tests;

public sealed record Flight(string Origin, int Delay);

public sealed record Report(string Airport, double Mean);

public sealed record Ping(long Id);

public struct Stats
{
    public long Count;
    public double Sum;
}

/// <summary>Takes flights.</summary>
public class Delays : OperatorGrain<Stats>, IConsume<Flight>
{
    public ValueTask OnEvent(Flight flight, EventContext context) => default;
}

/// <summary>Takes reports.</summary>
public sealed class Reports : OperatorGrain<Stats>, IConsume<Report>
{
    public ValueTask OnEvent(Report report, EventContext context) => default;
}

/// <summary>Takes flights and reports.</summary>
public sealed class Both : OperatorGrain<Stats>, IConsume<Flight>, IConsume<Report>
{
    public ValueTask OnEvent(Flight flight, EventContext context) => default;

    public ValueTask OnEvent(Report report, EventContext context) => default;
}

/// <summary>Takes anything, by contravariance.</summary>
public sealed class Anything : OperatorGrain<Stats>, IConsume<object>
{
    public ValueTask OnEvent(object @event, EventContext context) => default;
}

/// <summary>Keyed by a number.</summary>
public sealed class Pings : OperatorGrain<long, Stats>, IConsume<Ping>
{
    public ValueTask OnEvent(Ping ping, EventContext context) => default;
}

internal static class Build
{
    public static StreamingBuilder Builder() => new StreamingBuilder()
        .AddStream<Flight>("flights", keyedBy: f => f.Origin)
        .AddStream<Report>("reports", keyedBy: r => r.Airport);

    /// <summary>Builds what must not build, and checks that all mistakes are the expected ones.</summary>
    public static void ShouldFail(this StreamingBuilder builder, params string[] mistakes) =>
        Should.Throw<TopologyException>(builder.Build).Mistakes.ShouldBe(mistakes);

    public static StreamDefinition Stream(this Topology topology, string name) => topology.FindStream(name).ShouldNotBeNull();

    public static OperatorDefinition Operator(this Topology topology, string name) => topology.FindOperator(name).ShouldNotBeNull();
}

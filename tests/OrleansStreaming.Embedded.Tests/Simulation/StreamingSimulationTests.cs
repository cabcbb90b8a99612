using OrleansStreaming.Testing;

namespace OrleansStreaming.Embedded.Tests.Simulation;

/// <summary>Users' topologies in the simulator.</summary>
public class StreamingSimulationTests
{
    [Fact]
    public void A_correct_topology_passes_under_all_faults()
    {
        SimulationResult result = Shops().RunMany(50);

        Assert.True(result.Passed, result.ToString());
        Assert.True(result.Totals["Turns"] > 1000, $"{result.Totals["Turns"]} turns");
        Assert.True(result.Totals["Kill"] > 20, $"{result.Totals["Kill"]} kills");
        Assert.True(result.Totals["Decisions"] > 0, "no event was left out");
        Assert.True(result.Totals["Timers"] > 0, "no timer has fired");
    }

    [Fact]
    public void A_seed_gives_the_same_schedule_again()
    {
        SimulationResult first = Shops().Run(7), again = Shops().Run(7), other = Shops().Run(8);

        Assert.Equal(first.Digest, again.Digest);
        Assert.Equal(first.Trace, again.Trace);
        Assert.NotEqual(first.Digest, other.Digest);
        Assert.Contains(first.Trace, line => line.Contains("joins with journal", StringComparison.Ordinal));
    }

    [Fact]
    public void An_operator_that_reads_the_wall_clock_is_found() => ShouldFail<ClockReader>("determinism", "'ClockReader' is not deterministic", "Sale", "context.Time");

    [Fact]
    public void An_operator_that_counts_in_a_static_field_is_found() => ShouldFail<StaticCounter>("determinism", "'StaticCounter' is not deterministic", "its output 0 was", "static fields");

    [Fact]
    public void An_operator_that_waits_for_real_time_is_refused() => ShouldFail<Sleeper>("limit", "'Sleeper' awaits something that does not complete at once", "ICall");

    [Fact]
    public void An_operator_that_never_goes_on_is_named() => ShouldFail<Stubborn>("limit", "'Stubborn' keeps throwing", "never", "DeadLetter or Skip");

    [Fact]
    public void A_failure_names_the_seed()
    {
        SimulationResult result = One<ClockReader>().RunMany(50);

        InvalidOperationException error = Assert.Throws<InvalidOperationException>(result.ThrowIfFailed);
        Assert.StartsWith($"seed {result.Seed}: determinism: operator", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Mistakes_in_what_it_is_given_are_named()
    {
        StreamingSimulation shops = Shops();

        Assert.Contains("There is no stream 'sails'. Streams: sales, by-article, sums.", Assert.Throws<ArgumentException>(() => shops.Input("sails", NewSale)).Message, StringComparison.Ordinal);
        Assert.Contains("Stream 'sales' carries Sale, not Sum.", Assert.Throws<ArgumentException>(() => shops.Input("sales", _ => new Sum("", 0, 0))).Message, StringComparison.Ordinal);
        Assert.Contains("feed at least one stream", Assert.Throws<InvalidOperationException>(() => StreamingSimulation.Of(Declare).Run(1)).Message, StringComparison.Ordinal);
    }

    private static void ShouldFail<TOperator>(string invariant, params string[] fragments)
        where TOperator : OperatorGrain
    {
        SimulationResult result = One<TOperator>().RunMany(50);

        Assert.False(result.Passed);
        Assert.Equal(invariant, result.Invariant);
        Assert.All(fragments, fragment => Assert.Contains(fragment, result.Message, StringComparison.Ordinal));
    }

    private static StreamingSimulation Shops() => StreamingSimulation.Of(Declare).Input("sales", NewSale);

    private static Sale NewSale(Random random) => new($"shop{random.Next(4)}", $"article{random.Next(6)}", random.Next(1, 40));

    private static void Declare(StreamingBuilder streaming) => streaming
        .DefaultPartitions(2)
        .AddStream<Sale>("sales", s => s.Shop)
        .AddStream<Sale>("by-article", s => s.Article)
        .AddStream<Sum>("sums", s => s.Article)
        .AddOperator<ShopTotals>("sales", "by-article")
        .AddOperator<ArticleSums>("by-article", "sums")
        .AddSink<Sum>("sums", _ => throw new InvalidOperationException("a simulation makes its own sinks"));

    private static StreamingSimulation One<TOperator>()
        where TOperator : OperatorGrain => StreamingSimulation.Of(streaming => streaming
        .DefaultPartitions(2)
        .AddStream<Sale>("sales", s => s.Shop)
        .AddStream<Sum>("sums", s => s.Article)
        .AddOperator<TOperator>("sales", "sums", configure: o => o.OnFailure = FailurePolicy.Stop))
        .Input("sales", NewSale);
}

using FlightBoard.Tests;
using OrleansStreaming.Testing;

namespace OrleansStreaming.Clustering.Tests;

/// <summary>
/// Three silos as processes of their own on Azurite, fed over HTTP: what comes out is compared with what other means make of
/// the same flights, and nothing of it may outlive the test.
/// </summary>
public sealed class FlightClusterTests : IDisposable
{
    private readonly TestFlights _flights = new();

    public FlightClusterTests() => Assert.SkipWhen(AzuriteServer.Unavailable is not null, AzuriteServer.Unavailable ?? "");

    public void Dispose() => _flights.Dispose();

    [Fact]
    public async Task A_silo_that_is_killed_changes_nothing_but_the_report()
    {
        await using FlightClusterProcess cluster = Start("--disturb", "kill", "--rate", "1000");
        (await cluster.EndAsync()).ShouldBe(0, cluster.Output);
        cluster.Output.ShouldContain(_flights.DigestLine);
        cluster.Output.ShouldContain("kill -9");
        cluster.Output.ShouldContain("declared dead after");
        cluster.Output.ShouldContain("all silos have stopped in good order");
        cluster.Running.ShouldBeEmpty();
    }

    [Fact]
    public async Task Silos_restarted_one_after_the_other_under_load_roll_nothing_back_and_lose_nothing()
    {
        await using FlightClusterProcess cluster = Start("--disturb", "restart", "--rate", "200");
        (await cluster.EndAsync()).ShouldBe(0, cluster.Output);
        cluster.Output.ShouldContain(_flights.DigestLine);
        cluster.Output.ShouldContain("silo2 has handed over and stopped");
        cluster.Output.ShouldContain("\n0 grains rolled back");
        cluster.Running.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("INT")]
    [InlineData("KILL")]
    public async Task Nothing_is_left_of_a_run_that_is_broken_off(string signal)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Signals are those of Unix.");
        await using FlightClusterProcess cluster = Start("--disturb", "none", "--rate", "200");
        await cluster.UntilAsync(o => o.Contains("flights are durable", StringComparison.Ordinal));
        cluster.Running.Count.ShouldBe(4, "Azurite and three silos");
        await cluster.SignalAsync(signal);
        int code = await cluster.EndAsync();
        await cluster.UntilNothingIsLeftAsync();
        if (signal == "INT")
        {
            code.ShouldBe(130, cluster.Output);
            cluster.Output.ShouldContain("Stopped before the end");
        }
    }

    private FlightClusterProcess Start(params string[] options) =>
        FlightClusterProcess.Start(["--input", _flights.Input, "--data", _flights["data"], .. options]);
}

namespace OrleansStreaming.Storage.Azure.Tests;

/// <summary>The embedded engine on Azurite while requests are disturbed and silos are killed: the output is that of a quiet day.</summary>
public sealed class DisturbedEngineTests(Azurite azurite)
{
    private const int Rounds = 8;
    private const int EachRound = 60;

    [Theory]
    [InlineData(1, true)]
    [InlineData(2, false)]
    public async Task Disturbed_requests_and_kills_lose_and_double_nothing(int seed, bool gives)
    {
        await using var faults = new RandomFaults(seed, FaultRates.BadHour) { IsOn = false };
        var sink = new MemorySink<PageReport>();
        string container = azurite.NextContainer();
        await using TestApp app = await TestApp.StartAsync(
            s => ClickCounting.Topology(
                s.UseAzureBlobs(azurite.ConnectionString, o =>
                {
                    o.ContainerName = container;
                    o.SegmentBlocks = 20;
                    o.RequestTimeout = TimeSpan.FromMilliseconds(1_000);

                    // A storage that gives up soon makes silos start over; a patient one never lets them know.
                    o.RetryFor = TimeSpan.FromMilliseconds(gives ? 60 : 20_000);
                    o.ConfigureClient = client => client.AddPolicy(faults, global::Azure.Core.HttpPipelinePosition.BeforeTransport);
                }),
                sink),
            o =>
            {
                o.Silos = 3;
                o.CheckpointEvery = TimeSpan.FromMilliseconds(500);
            });
        faults.IsOn = true;
        var all = new List<Click>();
        for (int round = 0; round < Rounds; round++)
        {
            Click[] clicks = ClickCounting.Clicks(round * EachRound, EachRound);
            Task published = PublishAsync(app, clicks, round + 1);
            if (round % 3 == 1)
            {
                await app.KillAsync($"silo{round / 3 % 3}");
            }

            await published;
            all.AddRange(clicks);
        }

        faults.IsOn = false;
        await app.QuietAsync();
        await ClickCounting.ShouldMatchAsync(app.StatesAsync, sink, all);
        faults.Counts.Values.Sum().ShouldBeGreaterThan(20);
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{string.Join(", ", faults.Counts.Select(c => $"{c.Key} {c.Value}"))}; incarnations {app.Engine.Hosts.Sum(h => h.Incarnations)}");
        await app.StopAsync();
    }

    /// <summary>As a producer does that numbers what it sends: until it is known to be durable.</summary>
    private static async Task PublishAsync(TestApp app, Click[] clicks, long sequence)
    {
        while ((await app.Engine.PublishAsync("clicks", clicks, "producer", sequence, TestApp.Cancel)).Outcome != IngestOutcome.Durable)
        {
            await Task.Delay(20, TestApp.Cancel);
        }
    }
}

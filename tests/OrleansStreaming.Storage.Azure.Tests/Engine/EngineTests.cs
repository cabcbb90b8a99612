using OrleansStreaming.Core;
using OrleansStreaming.Testing;

namespace OrleansStreaming.Storage.Azure.Tests;

/// <summary>The embedded engine on the emulator.</summary>
public sealed class EngineTests(Azurite azurite) : BlobTest(azurite)
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Kills_lose_and_double_nothing(bool disturbed)
    {
        var sink = new MemorySink<PageReport>();
        await using TestApp app = await StartAsync(sink, silos: 3);
        int requests = 0;
        if (disturbed)
        {
            Faults.Decide = asked => asked.Method != "PUT" ? Fault.None : (Interlocked.Increment(ref requests) % 23) switch
            {
                3 => Fault.LoseAnswer,
                9 => Fault.LoseRequest,
                15 => Fault.FailAfter,
                _ => Fault.None,
            };
        }

        var all = new List<Click>();
        for (int round = 0; round < 9; round++)
        {
            Click[] clicks = ClickCounting.Clicks(round * 200, 200);
            Task<IngestAnswer> published = app.Engine.PublishAsync("clicks", clicks, $"producer{round % 2}", round + 1, TestApp.Cancel);
            if (round % 3 == 1)
            {
                await app.KillAsync($"silo{round / 3 % 3}");
            }

            (await published).Outcome.ShouldBe(IngestOutcome.Durable);
            all.AddRange(clicks);
        }

        await app.QuietAsync();
        await ClickCounting.ShouldMatchAsync(app.StatesAsync, sink, all);
        app.Engine.GetRollbacks().Count.ShouldBeGreaterThanOrEqualTo(3);
    }

    [Fact]
    public async Task What_one_process_left_the_next_recovers()
    {
        var sink = new MemorySink<PageReport>();
        var all = new List<Click>();
        for (int run = 0; run < 3; run++)
        {
            await using TestApp app = await StartAsync(sink, silos: 1 + run);
            Click[] clicks = ClickCounting.Clicks(run * 300, 300);
            (await app.Engine.PublishAsync("clicks", clicks, "p", run + 1, TestApp.Cancel)).Outcome.ShouldBe(IngestOutcome.Durable);
            all.AddRange(clicks);
            if (run == 1)
            {
                await app.StopAsync(); // In good order; the others as a crash.
            }
            else if (run == 2)
            {
                await app.QuietAsync();
                await ClickCounting.ShouldMatchAsync(app.StatesAsync, sink, all);
            }
        }
    }

    [Fact]
    public async Task A_process_that_starts_while_another_still_runs_takes_over_and_nothing_is_lost_or_doubled()
    {
        var sink = new MemorySink<PageReport>();
        var all = new List<Click>();
        await using TestApp first = await StartAsync(sink, silos: 2);
        Click[] clicks = ClickCounting.Clicks(0, 500);
        (await first.Engine.PublishAsync("clicks", clicks, "p", 1, TestApp.Cancel)).Outcome.ShouldBe(IngestOutcome.Durable);
        all.AddRange(clicks);

        // Given to the one that is about to be fenced: whoever gets no answer asks again.
        clicks = ClickCounting.Clicks(500, 500);
        all.AddRange(clicks);
        Task<IngestAnswer> unheard = first.Engine.PublishAsync("clicks", clicks, "p", 2, CancellationToken.None);
        await using TestApp second = await StartAsync(sink, silos: 2);
        await first.DisposeAsync();
        await Should.NotThrowAsync(() => unheard.ContinueWith(_ => { }, TaskScheduler.Default));
        (await second.Engine.PublishAsync("clicks", clicks, "p", 2, TestApp.Cancel)).Outcome.ShouldBe(IngestOutcome.Durable);
        await second.QuietAsync();
        await ClickCounting.ShouldMatchAsync(second.StatesAsync, sink, all);
    }

    [Fact]
    public async Task An_idle_engine_appends_nothing_and_a_busy_one_no_more_often_than_it_may()
    {
        var sink = new MemorySink<PageReport>();
        await using TestApp app = await StartAsync(sink, silos: 1, flushEvery: TimeSpan.FromMilliseconds(100));
        var storage = (AzureBlobStorage)app.Engine.Storage;
        long began = Environment.TickCount64;
        for (int i = 0; i < 20; i++)
        {
            await app.Engine.PublishAsync("clicks", ClickCounting.Clicks(i * 10, 10), "p", i + 1, TestApp.Cancel);
        }

        await app.QuietAsync();
        long appends = storage.GetRequestCounts()[RequestKind.Append];
        appends.ShouldBeLessThanOrEqualTo(((Environment.TickCount64 - began) / 100) + 2);
        await Task.Delay(1500, TestApp.Cancel);
        storage.GetRequestCounts()[RequestKind.Append].ShouldBe(appends);
    }

    /// <summary>Confirmed data that is not there any more: nothing is built on it, and it is said.</summary>
    [Fact]
    public async Task A_store_that_lost_what_it_confirmed_is_not_gone_on_with()
    {
        Assert.SkipWhen(AzuriteServer.Unavailable is not null, AzuriteServer.Unavailable ?? "");
        string folder = Directory.CreateTempSubdirectory("azurite-killed-").FullName;
        await using (AzuriteServer server = await AzuriteServer.StartAsync(folder, Cancel))
        {
            var sink = new MemorySink<PageReport>();
            await using TestApp app = await TestApp.StartAsync(
                s => ClickCounting.Topology(s.UseAzureBlobs(server.ConnectionString, o => o.RetryFor = TimeSpan.FromSeconds(2)), sink),
                o => (o.Silos, o.CheckpointEvery) = (1, TimeSpan.FromMinutes(5)));
            await app.Engine.PublishAsync("clicks", ClickCounting.Clicks(0, 100), "p", 1, TestApp.Cancel);
            await app.QuietAsync();
            await server.StopAsync(); // So that the deployment as such is kept.
            await server.StartAgainAsync();
            await app.Engine.PublishAsync("clicks", ClickCounting.Clicks(100, 500), "p", 2, TestApp.Cancel);
            await app.QuietAsync();
            await server.KillAsync();
            await server.StartAgainAsync();
            _ = app.Engine.PublishAsync("clicks", ClickCounting.Clicks(600, 10), "p", 3, CancellationToken.None);
            await TestApp.UntilAsync(
                async () => (await app.Engine.GetHealthAsync()).Problems.Any(p => p.Contains("data is lost", StringComparison.Ordinal)), "the loss is among the problems");
            sink.Events.Count.ShouldBe(600);
        }

        Directory.Delete(folder, recursive: true);
    }

    private Task<TestApp> StartAsync(MemorySink<PageReport> sink, int silos, TimeSpan? flushEvery = null) => TestApp.StartAsync(
        s => ClickCounting.Topology(
            s.UseAzureBlobs(ConnectionString, o =>
            {
                o.ContainerName = Container;
                o.SegmentSizeBytes = 64 << 10;
                o.FlushEvery = flushEvery ?? TimeSpan.FromMilliseconds(5);
                o.ConfigureClient = client => client.AddPolicy(Faults, global::Azure.Core.HttpPipelinePosition.PerCall);
            }),
            sink),
        o => o.Silos = silos);
}

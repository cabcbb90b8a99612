namespace OrleansStreaming.Embedded.Tests;

public class ExactlyOnceTests
{
    [Fact]
    public async Task Two_operators_in_a_row_count_everything_once()
    {
        using var folder = new TestFolder();
        var sink = new MemorySink<PageReport>();
        await using TestApp app = await TestApp.StartAsync(folder.Path, s => ClickCounting.Topology(s, sink), o => o.Silos = 3);
        Click[] clicks = ClickCounting.Clicks(0, 3000);
        (await app.Engine.PublishAsync("clicks", clicks, TestApp.Cancel)).Accepted.ShouldBe(3000);
        await app.QuietAsync();
        await ClickCounting.ShouldMatchAsync(app.StatesAsync, sink, clicks);
        await app.StopAsync();
    }

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 0)]
    [InlineData(false, 20)]
    [InlineData(true, 20)]
    public async Task Kills_lose_and_double_nothing(bool torn, int flushMs)
    {
        using var folder = new TestFolder();
        var sink = new MemorySink<PageReport>();
        await using TestApp app = await TestApp.StartAsync(
            folder.Path, s => ClickCounting.Topology(s, sink), o => o.Silos = 3, f => f.FlushDelay = TimeSpan.FromMilliseconds(flushMs));
        var all = new List<Click>();
        for (int round = 0; round < 12; round++)
        {
            Click[] clicks = ClickCounting.Clicks(round * 200, 200);
            Task<IngestAnswer> published = app.Engine.PublishAsync("clicks", clicks, $"producer{round % 2}", round + 1, TestApp.Cancel);
            if (round % 3 == 1)
            {
                await app.KillAsync($"silo{round / 3 % 3}", torn);
            }

            (await published).Outcome.ShouldBe(IngestOutcome.Durable);
            all.AddRange(clicks);
        }

        await app.QuietAsync();
        await ClickCounting.ShouldMatchAsync(app.StatesAsync, sink, all);
        app.Engine.GetRollbacks().Count.ShouldBeGreaterThanOrEqualTo(4);
    }

    [Fact]
    public async Task A_graceful_stop_leaves_nothing_to_recover()
    {
        using var folder = new TestFolder();
        var sink = new MemorySink<PageReport>();
        var all = new List<Click>();
        for (int run = 0; run < 3; run++)
        {
            await using TestApp app = await TestApp.StartAsync(folder.Path, s => ClickCounting.Topology(s, sink), o => o.Silos = 1 + run);
            Click[] clicks = ClickCounting.Clicks(run * 500, 500);
            await app.Engine.PublishAsync("clicks", clicks, TestApp.Cancel);
            all.AddRange(clicks);
            await app.QuietAsync();
            await ClickCounting.ShouldMatchAsync(app.StatesAsync, sink, all);
            app.Engine.Hosts.Sum(h => h.Totals.Replayed).ShouldBe(0);
            await app.StopAsync();
        }
    }

    [Fact]
    public async Task An_abrupt_end_is_recovered_by_the_next_start()
    {
        using var folder = new TestFolder();
        var sink = new MemorySink<PageReport>();
        var all = new List<Click>();
        for (int run = 0; run < 4; run++)
        {
            await using TestApp app = await TestApp.StartAsync(folder.Path, s => ClickCounting.Topology(s, sink), o => o.Silos = 3);
            Click[] clicks = ClickCounting.Clicks(run * 500, 500);
            (await app.Engine.PublishAsync("clicks", clicks, "p", run + 1, TestApp.Cancel)).Outcome.ShouldBe(IngestOutcome.Durable);
            all.AddRange(clicks);
            if (run == 3)
            {
                await app.QuietAsync();
                await ClickCounting.ShouldMatchAsync(app.StatesAsync, sink, all);
            }
        }
    }
}

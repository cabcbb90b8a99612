namespace OrleansStreaming.Embedded.Tests;

public class ExactlyOnceTests
{
    private static readonly string[] Users = [.. Enumerable.Range(0, 40).Select(i => $"user{i}")];
    private static readonly string[] Pages = [.. Enumerable.Range(0, 25).Select(i => $"/page/{i}")];

    [Fact]
    public async Task Two_operators_in_a_row_count_everything_once()
    {
        using var folder = new TestFolder();
        var sink = new MemorySink<PageReport>();
        await using TestApp app = await TestApp.StartAsync(folder.Path, s => Topology(s, sink), o => o.Silos = 3);
        Click[] clicks = Clicks(0, 3000);
        (await app.Engine.PublishAsync("clicks", clicks, TestApp.Cancel)).Accepted.ShouldBe(3000);
        await app.QuietAsync();
        await ShouldMatchAsync(app, sink, clicks);
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
            folder.Path, s => Topology(s, sink), o => o.Silos = 3, f => f.FlushDelay = TimeSpan.FromMilliseconds(flushMs));
        var all = new List<Click>();
        for (int round = 0; round < 12; round++)
        {
            Click[] clicks = Clicks(round * 200, 200);
            Task<IngestAnswer> published = app.Engine.PublishAsync("clicks", clicks, $"producer{round % 2}", round + 1, TestApp.Cancel);
            if (round % 3 == 1)
            {
                await app.KillAsync($"silo{round / 3 % 3}", torn);
            }

            (await published).Outcome.ShouldBe(IngestOutcome.Durable);
            all.AddRange(clicks);
        }

        await app.QuietAsync();
        await ShouldMatchAsync(app, sink, all);
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
            await using TestApp app = await TestApp.StartAsync(folder.Path, s => Topology(s, sink), o => o.Silos = 1 + run);
            Click[] clicks = Clicks(run * 500, 500);
            await app.Engine.PublishAsync("clicks", clicks, TestApp.Cancel);
            all.AddRange(clicks);
            await app.QuietAsync();
            await ShouldMatchAsync(app, sink, all);
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
            await using TestApp app = await TestApp.StartAsync(folder.Path, s => Topology(s, sink), o => o.Silos = 3);
            Click[] clicks = Clicks(run * 500, 500);
            (await app.Engine.PublishAsync("clicks", clicks, "p", run + 1, TestApp.Cancel)).Outcome.ShouldBe(IngestOutcome.Durable);
            all.AddRange(clicks);
            if (run == 3)
            {
                await app.QuietAsync();
                await ShouldMatchAsync(app, sink, all);
            }
        }
    }

    internal static void Topology(StreamingBuilder streaming, ISink<PageReport> sink) => streaming
        .DefaultPartitions(4)
        .AddStream<Click>("clicks", keyedBy: c => c.User)
        .AddStream<View>("views", keyedBy: v => v.Page)
        .AddStream<PageReport>("reports", keyedBy: r => r.Page)
        .AddOperator<ClicksByUser>(from: "clicks", to: "views")
        .AddOperator<ViewsByPage>(from: "views", to: "reports")
        .AddSink<PageReport>(from: "reports", _ => sink);

    internal static Click[] Clicks(int from, int count) =>
        [.. Enumerable.Range(from, count).Select(i => new Click(Users[i * 7 % Users.Length], Pages[i * 11 % Pages.Length], i))];

    internal static async Task ShouldMatchAsync(TestApp app, MemorySink<PageReport> sink, IReadOnlyList<Click> clicks)
    {
        Dictionary<string, string> users = await app.StatesAsync(nameof(ClicksByUser));
        users.Count.ShouldBe(clicks.Select(c => c.User).Distinct().Count());
        foreach (IGrouping<string, Click> user in clicks.GroupBy(c => c.User))
        {
            users[user.Key].ShouldBe($$"""{"count":{{user.Count()}},"sum":{{user.Sum(c => c.Number)}}}""");
        }

        Dictionary<string, string> pages = await app.StatesAsync(nameof(ViewsByPage));
        foreach (IGrouping<string, Click> page in clicks.GroupBy(c => c.Page))
        {
            pages[page.Key].ShouldBe($$"""{"count":{{page.Count()}},"sum":{{page.Sum(c => c.Number)}}}""");
            sink.Events.Where(e => e.Event.Page == page.Key).Select(e => e.Event.Count)
                .ShouldBe(Enumerable.Range(1, page.Count()).Select(i => (long)i), $"the reports of {page.Key}");
        }

        sink.Events.Count.ShouldBe(clicks.Count);
        sink.Events.Select(e => e.Name).Distinct().Count().ShouldBe(clicks.Count);
    }
}

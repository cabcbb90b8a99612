namespace OrleansStreaming.Embedded.Tests;

/// <summary>Clicks that are counted by user, then by page, and released to a sink; and what must have come of them.</summary>
internal static class ClickCounting
{
    private static readonly string[] Users = [.. Enumerable.Range(0, 40).Select(i => $"user{i}")];
    private static readonly string[] Pages = [.. Enumerable.Range(0, 25).Select(i => $"/page/{i}")];

    public static void Topology(StreamingBuilder streaming, ISink<PageReport> sink) => streaming
        .DefaultPartitions(4)
        .AddStream<Click>("clicks", keyedBy: c => c.User)
        .AddStream<View>("views", keyedBy: v => v.Page)
        .AddStream<PageReport>("reports", keyedBy: r => r.Page)
        .AddOperator<ClicksByUser>(from: "clicks", to: "views")
        .AddOperator<ViewsByPage>(from: "views", to: "reports")
        .AddSink<PageReport>(from: "reports", _ => sink);

    public static Click[] Clicks(int from, int count) =>
        [.. Enumerable.Range(from, count).Select(i => new Click(Users[i * 7 % Users.Length], Pages[i * 11 % Pages.Length], i))];

    public static async Task ShouldMatchAsync(Func<string, Task<Dictionary<string, string>>> statesOf, MemorySink<PageReport> sink, IReadOnlyList<Click> clicks)
    {
        Dictionary<string, string> users = await statesOf(nameof(ClicksByUser));
        users.Count.ShouldBe(clicks.Select(c => c.User).Distinct().Count());
        foreach (IGrouping<string, Click> user in clicks.GroupBy(c => c.User))
        {
            users[user.Key].ShouldBe($$"""{"count":{{user.Count()}},"sum":{{user.Sum(c => (long)c.Number)}}}""");
        }

        Dictionary<string, string> pages = await statesOf(nameof(ViewsByPage));
        foreach (IGrouping<string, Click> page in clicks.GroupBy(c => c.Page))
        {
            pages[page.Key].ShouldBe($$"""{"count":{{page.Count()}},"sum":{{page.Sum(c => (long)c.Number)}}}""");
            sink.Events.Where(e => e.Event.Page == page.Key).Select(e => e.Event.Count)
                .ShouldBe(Enumerable.Range(1, page.Count()).Select(i => (long)i), $"the reports of {page.Key}");
        }

        sink.Events.Count.ShouldBe(clicks.Count);
        sink.Events.Select(e => e.Name).Distinct().Count().ShouldBe(clicks.Count);
    }
}

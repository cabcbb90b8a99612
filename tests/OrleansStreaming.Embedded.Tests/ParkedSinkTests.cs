namespace OrleansStreaming.Embedded.Tests;

public class ParkedSinkTests
{
    [Fact]
    public async Task A_parked_sink_blocks_neither_other_sinks_nor_trimming_and_gets_everything_once_later()
    {
        using var folder = new TestFolder();
        bool down = true;
        var works = new MemorySink<Visit>();
        var parked = new MemorySink<Visit> { Before = _ => Refuse(Volatile.Read(ref down)) };
        void Topology(StreamingBuilder s) => s
            .DefaultPartitions(2)
            .AddStream<Visit>("visits", keyedBy: v => v.User)
            .AddSink<Visit>(from: "visits", _ => works, name: "works")
            .AddSink<Visit>(from: "visits", _ => parked, name: "parked");
        void Options(StreamingOptions o)
        {
            o.Silos = 2;
            o.ArchiveAfter = TimeSpan.FromMilliseconds(100);
        }

        string filler = new('x', 2000);
        int sent = 0;
        await using (TestApp app = await TestApp.StartAsync(folder.Path, Topology, Options))
        {
            for (int round = 0; round < 20; round++, sent += 100)
            {
                Visit[] visits = [.. Enumerable.Range(sent, 100).Select(i => new Visit($"u{i % 20}{filler}"[..900], i))];
                await app.Engine.PublishAsync("visits", visits, "p", round + 1, TestApp.Cancel);
            }

            await TestApp.UntilAsync(() => Task.FromResult(works.Events.Count == sent), "the other sink has everything");
            await TestApp.UntilAsync(async () => (await app.Engine.GetHealthAsync()).Sinks.Any(s => s is { Sink: "parked", State: "parked" }), "the sink is reported as parked");
            await TestApp.UntilAsync(() => Task.FromResult(Archives(folder) > 0), "records have been archived");

            // All that pins the journals is archived: the oldest record still needed moves on.
            await TestApp.UntilAsync(async () => (await NeededAsync(app)).All(n => n.Needed > n.Durable - 2), "no journal is pinned");
            await app.KillAsync("silo0", torn: true);
            await app.Engine.PublishAsync("visits", [new Visit("late", sent++)], "p", 21, TestApp.Cancel);
            await TestApp.UntilAsync(() => Task.FromResult(works.Events.Count == sent), "the other sink goes on");
        }

        // Also after the process has gone.
        await using TestApp again = await TestApp.StartAsync(folder.Path, Topology, Options);
        Volatile.Write(ref down, false);
        await TestApp.UntilAsync(() => Task.FromResult(parked.Events.Count >= sent), "the parked sink has caught up");
        await again.QuietAsync();
        parked.Events.Select(e => e.Event.Number).Order().ShouldBe(Enumerable.Range(0, sent));
        works.Events.Select(e => e.Event.Number).Order().ShouldBe(Enumerable.Range(0, sent));
        foreach (IGrouping<string, SinkEvent<Visit>> user in parked.Events.GroupBy(e => e.Event.User))
        {
            user.Select(e => e.Event.Number).ShouldBeInOrder();
        }

        await TestApp.UntilAsync(() => Task.FromResult(Archives(folder) == 0), "archives that nobody needs are deleted");
    }

    private static void Refuse(bool down)
    {
        if (down)
        {
            throw new IOException("the database is down");
        }
    }

    private static int Archives(TestFolder folder) => Directory.GetFiles(folder["runs"], "*records*", SearchOption.AllDirectories).Length;

    private static async Task<IReadOnlyList<(long Needed, long Durable)>> NeededAsync(TestApp app)
    {
        List<(long, long)>[] all = await Task.WhenAll(app.Engine.Hosts.Select(h => h.AskAsync(s => s.Ownerships.Active
            .Where(p => p.Stream.Name == "visits" && p.Manifest.Current.Owner is not null)
            .Select(p => (p.Manifest.Current.Owners[0].NeededFrom, s.Journal.Durable)).ToList())));
        return [.. all.Where(l => l is not null).SelectMany(l => l)];
    }
}

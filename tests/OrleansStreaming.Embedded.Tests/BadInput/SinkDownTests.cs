using System.Collections.Concurrent;

namespace OrleansStreaming.Embedded.Tests.BadInput;

/// <summary>Sinks that are down, or fail after they have written.</summary>
public class SinkDownTests
{
    [Fact]
    public async Task A_sink_that_is_down_is_parked_visibly_holds_up_no_other_and_gets_everything_once_when_it_is_back()
    {
        using var folder = new TestFolder();
        var broken = new MemorySink<PageReport> { Before = _ => throw new TimeoutException("the database is being moved") };
        var well = new MemorySink<PageReport>();
        await using TestApp app = await TestApp.StartAsync(
            folder.Path,
            s =>
            {
                ClickCounting.Topology(s, well);
                s.AddSink<PageReport>(from: "reports", _ => broken, name: "broken");
            },
            o => o.Silos = 2);
        Click[] clicks = ClickCounting.Clicks(0, 1000);
        await app.Engine.PublishAsync("clicks", clicks, TestApp.Cancel);
        await TestApp.UntilAsync(
            async () => (await app.Engine.GetHealthAsync()).Sinks.Count(s => s is { Sink: "broken", State: "parked" }) == 4, "all partitions of the sink are parked");
        EngineHealth health = await app.Engine.GetHealthAsync();
        health.Ready.ShouldBeTrue("a sink is no reason to refuse events");
        health.Sinks.ShouldAllBe(s => s.Sink == "broken" && s.Error == "the database is being moved");
        await ClickCounting.ShouldMatchAsync(app.StatesAsync, well, clicks);
        broken.Events.ShouldBeEmpty();
        app.Log.Lines.ShouldContain(l => l.Contains("broken") && l.Contains("the database is being moved"));

        // It outlives a kill of a silo, too.
        await app.KillAsync("silo0");
        broken.Before = null;
        await app.QuietAsync();
        await ClickCounting.ShouldMatchAsync(app.StatesAsync, broken, clicks);
        await ClickCounting.ShouldMatchAsync(app.StatesAsync, well, clicks);
        (await app.Engine.GetHealthAsync()).Sinks.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_sink_that_throws_after_it_has_written_gets_nothing_twice()
    {
        using var folder = new TestFolder();
        int batches = 0;
        var thrown = new ConcurrentBag<Offset>();
        var sink = new MemorySink<PageReport>
        {
            After = batch =>
            {
                if (Interlocked.Increment(ref batches) % 3 == 1)
                {
                    thrown.Add(batch.To);
                    throw new IOException("the connection was lost");
                }
            },
        };
        await using TestApp app = await TestApp.StartAsync(folder.Path, s => ClickCounting.Topology(s, sink), o => o.Silos = 2);
        List<Click> clicks = [];
        for (int i = 0; i < 10; i++)
        {
            Click[] some = ClickCounting.Clicks(i * 50, 50);
            await app.Engine.PublishAsync("clicks", some, TestApp.Cancel);
            clicks.AddRange(some);
        }

        await app.QuietAsync();
        thrown.ShouldNotBeEmpty();
        await ClickCounting.ShouldMatchAsync(app.StatesAsync, sink, clicks);
    }
}

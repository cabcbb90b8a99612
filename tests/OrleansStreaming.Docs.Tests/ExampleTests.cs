using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using OrleansStreaming.Docs.Tests.Examples.Sinks;

namespace OrleansStreaming.Docs.Tests;

/// <summary>Runs every example of the documentation, and kills silos meanwhile.</summary>
public sealed class ExampleTests
{
    [Fact]
    public async Task Timers()
    {
        using var folder = new TestFolder();
        var ledger = new Ledger();
        await using ExampleApp app = await ExampleApp.StartAsync(folder.Path, s => Examples.Timers.Topology.AddSessions(s)
            .AddSink<Examples.Timers.SessionClosed>(from: "sessions", _ => new LedgerSink<Examples.Timers.SessionClosed>(ledger)));
        await app.Engine.PublishAsync("visits", Many(40, i => new Examples.Timers.Visit($"u{i % 8}", "/")), "p", 1, ExampleApp.Cancel);
        await app.KillAsync("silo0");
        await app.KillAsync("silo1");
        await ExampleApp.UntilAsync(() => Task.FromResult(ledger.Rows.Count >= 8), "every session has been closed");
        await app.QuietAsync();
        ledger.Rows.Order().ShouldBe(Enumerable.Range(0, 8).Select(u => $"SessionClosed {{ User = u{u}, Visits = 5 }}"));
        (await app.StateAsync("Sessions", "u3")).ShouldBe("""{"visits":0}""");
    }

    [Fact]
    public void A_topology_in_the_simulator()
    {
        OrleansStreaming.Testing.SimulationResult result = Examples.TimeAndChance.Simulations.Simulate(10);
        result.Passed.ShouldBeTrue(result.ToString());
        result.Totals["Turns"].ShouldBeGreaterThan(100);
    }

    [Fact]
    public async Task On_the_emulator_of_azure_blobs()
    {
        Assert.SkipWhen(OrleansStreaming.Testing.AzuriteServer.Unavailable is not null, OrleansStreaming.Testing.AzuriteServer.Unavailable ?? "");
        using var folder = new TestFolder();
        (await Examples.AzureBlobs.Blobs.PublishWhileItIsAwayAsync(folder.Path, ExampleApp.Cancel)).ShouldBe("{\"amount\":5}");
    }

    [Fact]
    public async Task Several_inputs()
    {
        using var folder = new TestFolder();
        var ledger = new Ledger();
        await using ExampleApp app = await ExampleApp.StartAsync(folder.Path, s => Examples.SeveralInputs.Topology.AddSettlement(s)
            .AddSink<Examples.SeveralInputs.Settled>(from: "settled", _ => new LedgerSink<Examples.SeveralInputs.Settled>(ledger)));
        Task payments = app.PublishWithKillsAsync("payments", "bank",
            Many(30, i => new Examples.SeveralInputs.Payment($"o{i}", 7)), Many(30, i => new Examples.SeveralInputs.Payment($"o{30 + i}", 7)));
        await app.PublishWithKillsAsync("orders", "shop", Many(60, i => new Examples.SeveralInputs.Order($"o{i}", 7)));
        await payments;
        await app.QuietAsync();
        ledger.Rows.Order().ShouldBe(Enumerable.Range(0, 60).Select(i => $"Settled {{ Id = o{i}, Amount = 7 }}").Order());
    }

    [Fact]
    public async Task Keys_and_types()
    {
        using var folder = new TestFolder();
        await using ExampleApp app = await ExampleApp.StartAsync(folder.Path, s => Examples.KeysAndTypes.Topology.AddMeters(s), silos: 1);
        await app.Engine.PublishAsync("readings", [new Examples.KeysAndTypes.Reading(7, 100), new Examples.KeysAndTypes.Reading(8, 1)], ExampleApp.Cancel);
        await app.Engine.PublishAsync("readings", [new Examples.KeysAndTypes.Reset(7)], ExampleApp.Cancel);
        await app.Engine.PublishAsync("readings", [new Examples.KeysAndTypes.Reading(7, 2.5)], ExampleApp.Cancel);
        await app.QuietAsync();
        (await app.StateAsync("Meters", "7")).ShouldBe("""{"readings":1,"sum":2.5}""");
        (await app.StateAsync("Meters", "8")).ShouldBe("""{"readings":1,"sum":1}""");
    }

    [Fact]
    public async Task Strict_streams()
    {
        using var folder = new TestFolder();
        var ledger = new Ledger();
        await using ExampleApp app = await ExampleApp.StartAsync(folder.Path, s => Examples.Strict.Topology.AddViews(s)
            .AddSink<Examples.Strict.PageCount>(from: "counts", _ => new LedgerSink<Examples.Strict.PageCount>(ledger)));
        await app.PublishWithKillsAsync("clicks", "p", Clicks(), Clicks(), Clicks(), Clicks());
        await app.QuietAsync();
        ledger.Rows.Count.ShouldBe(400);
        ledger.Rows.Distinct().Count().ShouldBe(400);
        (await app.StateAsync("ViewsByPage", "/3")).ShouldBe("""{"seen":80}""");
        app.Engine.GetRollbacks().SelectMany(r => r.Grains).ShouldNotContain(g => g.Operator == "ViewsByPage");

        static IEnumerable<Examples.Strict.Click> Clicks() => Many(100, i => new Examples.Strict.Click($"u{i % 10}", $"/{i % 5}"));
    }

    [Fact]
    public async Task Recorded_calls()
    {
        using var folder = new TestFolder();
        var ledger = new Ledger();
        await using ExampleApp app = await ExampleApp.StartAsync(
            folder.Path,
            s => Examples.RecordedCalls.Topology.AddPrices(s)
                .AddSink<Examples.RecordedCalls.Priced>(from: "priced", _ => new LedgerSink<Examples.RecordedCalls.Priced>(ledger)),
            services: s => s.AddSingleton<Examples.RecordedCalls.PriceService>());
        await app.PublishWithKillsAsync("quotes", "p", Quotes(0), Quotes(20), Quotes(40));
        await ExampleApp.UntilAsync(() => Task.FromResult(ledger.Rows.Count >= 60), "all answers");
        await app.QuietAsync();
        ledger.Rows.Count.ShouldBe(60);
        ledger.Rows.ShouldAllBe(r => r.Contains(" at price "));
        ledger.Rows.Select(r => r.Split("Number = ")[1].Split(',')[0]).Distinct().Count().ShouldBe(60);

        static IEnumerable<Examples.RecordedCalls.Quote> Quotes(int from) => Many(20, i => new Examples.RecordedCalls.Quote($"s{i % 4}", from + i));
    }

    [Fact]
    public async Task Dead_letters()
    {
        using var folder = new TestFolder();
        var letters = new ConcurrentDictionary<string, bool>(); // A delegate may see a letter twice.
        await using ExampleApp app = await ExampleApp.StartAsync(folder.Path, s => Examples.DeadLetters.Topology.AddBalances(s, l => letters[l] = true));
        await app.PublishWithKillsAsync("transfers", "p", Transfers(), Transfers());
        await app.QuietAsync();
        letters.Count.ShouldBe(10);
        letters.Keys.ShouldAllBe(l => l.Contains("\"amount\":-1000"));
        (await app.StateAsync("Balances", "a2")).ShouldBe("""{"amount":60}""");

        // Each account gets three times 10, and one transfer that would take it below zero.
        static IEnumerable<Examples.DeadLetters.Transfer> Transfers() =>
            Many(20, i => new Examples.DeadLetters.Transfer($"a{i % 5}", i / 5 == 2 ? -1000 : 10));
    }

    [Fact]
    public async Task An_operator_that_is_added_later()
    {
        using var folder = new TestFolder();
        await using (ExampleApp app = await ExampleApp.StartAsync(folder.Path, Examples.LateOperator.Topology.First))
        {
            await app.Engine.PublishAsync("sales", Many(50, i => new Examples.LateOperator.Sale($"shop{i % 5}", i)), "p", 1, ExampleApp.Cancel);
            await app.StopAsync();
        }

        await using ExampleApp again = await ExampleApp.StartAsync(folder.Path, Examples.LateOperator.Topology.Second);
        await again.Engine.PublishAsync("sales", [new Examples.LateOperator.Sale("shop1", 5)], "p", 2, ExampleApp.Cancel);
        await again.KillAsync("silo0");
        await again.QuietAsync();
        (await again.StateAsync("Largest", "shop1")).ShouldBe("""{"amount":46}""");
        (await again.StateAsync("Takings", "shop1")).ShouldBe($$"""{"amount":{{Enumerable.Range(0, 50).Where(i => i % 5 == 1).Sum() + 5}}}""");
    }

    [Fact]
    public async Task Time_and_chance_are_the_same_when_a_turn_runs_again()
    {
        using var folder = new TestFolder();
        var ledger = new Ledger();
        await using ExampleApp app = await ExampleApp.StartAsync(folder.Path, s => Examples.TimeAndChance.Topology.AddRaffle(s)
            .AddSink<Examples.TimeAndChance.Winner>(from: "winners", _ => new LedgerSink<Examples.TimeAndChance.Winner>(ledger)));
        await app.PublishWithKillsAsync("tickets", "p", Tickets(), Tickets(), Tickets());
        await app.QuietAsync();
        ledger.Rows.Count.ShouldBe(12); // 3 times 40 tickets, in 4 raffles of 10.

        static IEnumerable<Examples.TimeAndChance.Ticket> Tickets() => Many(40, i => new Examples.TimeAndChance.Ticket($"r{i % 4}", $"o{i}"));
    }

    [Fact]
    public async Task Asynchronous_turns_with_a_service()
    {
        using var folder = new TestFolder();
        WebApplicationBuilder builder = ExampleApp.CreateBuilder();
        Examples.AsyncTurns.Topology.AddTaxes(builder, folder.Path);
        await using ExampleApp app = await ExampleApp.StartAsync(builder);
        await app.Engine.PublishAsync("purchases", Many(20, i => new Examples.AsyncTurns.Purchase(i % 2 == 0 ? "DE" : "CH", 100)), ExampleApp.Cancel);
        await app.QuietAsync();
        JsonDocument.Parse(await app.StateAsync("Taxes", "DE")).RootElement.GetProperty("tax").GetDecimal().ShouldBe(190m);
    }

    [Fact]
    public async Task Serializers()
    {
        using var folder = new TestFolder();
        var ledger = new Ledger();
        await using ExampleApp app = await ExampleApp.StartAsync(folder.Path, s => Examples.Serializers.Topology.AddRobots(s)
            .AddSink<Examples.Serializers.Alarm>(from: "alarms", _ => new LedgerSink<Examples.Serializers.Alarm>(ledger)));
        await app.PublishWithKillsAsync("points", "p", Many(6, i => new Examples.Serializers.Point("r1", i, -i)), Many(1, _ => new Examples.Serializers.Point("r2", 5, 5)));
        await app.QuietAsync();
        (await app.StateAsync("Robots", "r1")).ShouldBe("""{"distance":30}""");
        ledger.Rows.ShouldBe(["Alarm { Robot = r1, Distance = 12 }", "Alarm { Robot = r1, Distance = 20 }", "Alarm { Robot = r1, Distance = 30 }"]);
    }

    [Fact]
    public async Task Sinks()
    {
        using var folder = new TestFolder();
        var ledger = new Ledger();
        var table = new ConcurrentDictionary<string, Event>();
        var shown = new ConcurrentDictionary<int, bool>();
        await using ExampleApp app = await ExampleApp.StartAsync(folder["data"], s => s.AddSinks(ledger, table, folder["output"], e => shown[e.Number] = true));
        await app.PublishWithKillsAsync("events", "p", Events(0), Events(100), Events(200));
        await app.QuietAsync();
        ledger.Rows.Count.ShouldBe(300);
        ledger.Rows.Distinct().Count().ShouldBe(300);
        table.Count.ShouldBe(300);
        table.Keys.ShouldContain(k => k.EndsWith("p/1#0")); // Producer, sequence and ordinal.
        shown.Count.ShouldBe(300);
        string[] lines = [.. Directory.GetFiles(folder["output"], "events-*.jsonl").SelectMany(File.ReadLines)];
        lines.Length.ShouldBe(300);
        lines.Distinct().Count().ShouldBe(300);

        static IEnumerable<Event> Events(int from) => Many(100, i => new Event($"k{i % 10}", from + i));
    }

    [Fact]
    public async Task Sources()
    {
        using var folder = new TestFolder();
        await File.WriteAllLinesAsync(folder["lines.jsonl"], Enumerable.Range(0, 100).Select(i => $$"""{"word":"file","number":{{i}}}"""), ExampleApp.Cancel);
        await using ExampleApp app = await ExampleApp.StartAsync(folder["data"], s => Examples.Sources.Topology.AddNumbers(s, folder["lines.jsonl"]));
        await app.KillAsync("silo2");
        await app.Engine.SourcesCompleted.WaitAsync(TimeSpan.FromSeconds(20), ExampleApp.Cancel);
        await app.QuietAsync();
        (await app.StateAsync("WordCount", "file")).ShouldBe("""{"count":100,"sum":4950}""");
        (await app.StateAsync("WordCount", "word1")).ShouldBe($$"""{"count":72,"sum":{{Enumerable.Range(0, 500).Where(i => i % 7 == 1).Sum()}}}""");
    }

    [Fact]
    public async Task Publishing_reading_and_killing_from_code()
    {
        using var folder = new TestFolder();
        await using ExampleApp app = await ExampleApp.StartAsync(Examples.InCode.Host.Build(folder.Path));
        (await Examples.InCode.Host.PublishAsync(app.Web, ExampleApp.Cancel)).ShouldBe("""Durable 3 {"orders":2,"amount":8}""");
        (await Examples.InCode.Host.KillAsync(app.Web, app.Http, ExampleApp.Cancel)).ShouldBeGreaterThanOrEqualTo(1);
    }

    private static IEnumerable<T> Many<T>(int count, Func<int, T> make) => Enumerable.Range(0, count).Select(make).ToArray();
}

namespace OrleansStreaming.AspNetCore.Tests;

/// <summary>Two operators in a row, three silos, a sink on files, and silos that die: everything counts once.</summary>
public sealed class ExactlyOnceTests
{
    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 0)]
    [InlineData(false, 4)]
    [InlineData(true, 4)]
    [InlineData(true, 20)]
    public async Task Silos_are_killed_while_events_come_in(bool torn, int flushDelayMs)
    {
        using var folder = new TestFolder();
        await using WebApp app = await StartAsync(folder, flushDelayMs);
        var traffic = new Traffic(app, clients: 4, requests: 60, perRequest: 20);
        Task running = traffic.RunAsync();
        long lost = 0;
        for (int kill = 1; kill <= 6; kill++)
        {
            await Task.WhenAny(running, app.UntilAsync(() => Task.FromResult(traffic.Sent >= traffic.Total * kill / 8), "requests are answered"));
            lost += await app.KillAsync($"silo{kill % 3}", torn);
        }

        await running;
        await traffic.CheckAsync(folder["out"]);
        await app.UntilAsync(() => Task.FromResult(app.Engine.GetRollbacks().Count >= 6), "every failure is reported"); // Nobody had to wait for the seal of a silo that served nothing yet.
        if (flushDelayMs > 0)
        {
            lost.ShouldBeGreaterThan(0);
        }
    }

    [Fact]
    public async Task Two_silos_of_three_are_killed_at_once()
    {
        using var folder = new TestFolder();
        await using WebApp app = await StartAsync(folder, flushDelayMs: 2);
        var traffic = new Traffic(app, clients: 4, requests: 40, perRequest: 20);
        Task running = traffic.RunAsync();
        for (int kill = 1; kill <= 3; kill++)
        {
            await Task.WhenAny(running, app.UntilAsync(() => Task.FromResult(traffic.Sent >= traffic.Total * kill / 5), "requests are answered"));
            await Task.WhenAll(app.KillAsync("silo0", torn: true), app.KillAsync($"silo{1 + (kill % 2)}", torn: false));
        }

        await running;
        await traffic.CheckAsync(folder["out"]);
    }

    [Fact]
    public async Task All_silos_are_killed_at_once()
    {
        using var folder = new TestFolder();
        await using WebApp app = await StartAsync(folder, flushDelayMs: 2);
        var traffic = new Traffic(app, clients: 4, requests: 30, perRequest: 20);
        Task running = traffic.RunAsync();
        await Task.WhenAny(running, app.UntilAsync(() => Task.FromResult(traffic.Sent >= traffic.Total / 2), "requests are answered"));
        await Task.WhenAll(app.KillAsync("silo0", torn: true), app.KillAsync("silo1", torn: false), app.KillAsync("silo2", torn: true));
        await running;
        await traffic.CheckAsync(folder["out"]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_repeat_counts_once_across_a_kill_and_a_restart_of_the_host(bool graceful)
    {
        using var folder = new TestFolder();
        Order[] orders = [.. Enumerable.Range(0, 60).Select(i => new Order($"c{i % 6}", 1) { Product = "tea" })];
        await using (WebApp app = await StartAsync(folder, flushDelayMs: 0))
        {
            (await app.AcceptedAsync(app.PostOrdersAsync(orders, "p", 5))).ShouldBe((60, 0));
            await app.KillAsync("silo1", torn: true);
            (await app.AcceptedAsync(RepeatAsync(app, orders))).ShouldBe((0, 60));
            await app.KillAsync("silo0", torn: false);
            await app.KillAsync("silo2", torn: false);
            (await app.AcceptedAsync(RepeatAsync(app, orders))).ShouldBe((0, 60));
            if (graceful)
            {
                await app.StopAsync();
            }
        }

        await using (WebApp app = await StartAsync(folder, flushDelayMs: 0))
        {
            (await app.AcceptedAsync(RepeatAsync(app, orders))).ShouldBe((0, 60));
            await app.QuietAsync();
            for (int i = 0; i < 6; i++)
            {
                (await app.TotalsAsync("Customers", $"c{i}", "stable")).ShouldBe((10, 10));
            }

            (await app.TotalsAsync("Products", "tea", "stable")).ShouldBe((60, 60));
            Directory.GetFiles(folder["out"], "*.jsonl").Sum(f => File.ReadLines(f).Count()).ShouldBe(60);
        }
    }

    [Fact]
    public async Task The_host_ends_without_a_graceful_stop_again_and_again()
    {
        using var folder = new TestFolder();
        Traffic? traffic = null;
        for (int round = 0; round < 3; round++)
        {
            await using WebApp app = await StartAsync(folder, flushDelayMs: 1);
            traffic ??= new Traffic(app, clients: 3, requests: 10, perRequest: 20);
            traffic.App = app;
            if (round == 0)
            {
                await traffic.RunAsync();
            }
            else
            {
                await traffic.CheckAsync(folder["out"]);
            }
        }
    }

    [Fact]
    public async Task After_a_graceful_stop_nothing_is_replayed_and_all_states_are_as_before()
    {
        using var folder = new TestFolder();
        Dictionary<string, string> customers, products;
        string[] lines;
        await using (WebApp app = await StartAsync(folder, flushDelayMs: 0))
        {
            var traffic = new Traffic(app, clients: 3, requests: 20, perRequest: 20);
            await traffic.RunAsync();
            await traffic.CheckAsync(folder["out"]);
            customers = await app.StatesAsync("Customers");
            products = await app.StatesAsync("Products");
            await app.StopAsync();
            lines = ReadOutput(folder);
        }

        await using (WebApp app = await StartAsync(folder, flushDelayMs: 0))
        {
            await app.QuietAsync();
            (await app.StatesAsync("Customers")).OrderBy(s => s.Key).ShouldBe(customers.OrderBy(s => s.Key));
            (await app.StatesAsync("Products")).OrderBy(s => s.Key).ShouldBe(products.OrderBy(s => s.Key));
            EngineTotals totals = app.Engine.GetTotals();
            totals.Events.ShouldBe(0);
            totals.Released.ShouldBe(0);
            app.Engine.GetRollbacks().ShouldBeEmpty();
            ReadOutput(folder).ShouldBe(lines);
            (await app.AcceptedAsync(app.PostOrdersAsync([new Order("c1", 5) { Product = "p1" }]))).ShouldBe((1, 0));
            await app.QuietAsync();
            ReadOutput(folder).Length.ShouldBe(lines.Length + 1);
        }
    }

    [Fact]
    public async Task A_stop_while_events_come_in_loses_none_that_was_accepted()
    {
        using var folder = new TestFolder();
        int accepted = 0;
        await using (WebApp app = await StartAsync(folder, flushDelayMs: 1))
        {
            Task[] clients = [.. Enumerable.Range(0, 4).Select(c => Task.Run(async () =>
            {
                try
                {
                    for (int i = 0; i < 10_000; i++)
                    {
                        using HttpResponseMessage response = await app.PostOrdersAsync([new Order($"c{c}", 1) { Product = "tea" }], $"client{c}", i + 1);
                        if (!response.IsSuccessStatusCode)
                        {
                            return;
                        }

                        Interlocked.Increment(ref accepted);
                    }
                }
                catch (HttpRequestException)
                {
                    // The server has gone.
                }
            }))];
            await app.UntilAsync(() => Task.FromResult(accepted > 200), "requests are answered");
            await app.StopAsync();
            await Task.WhenAll(clients);
            app.Log.Lines.ShouldNotContain(l => l.StartsWith("2020 "));
        }

        await using (WebApp app = await StartAsync(folder, flushDelayMs: 0))
        {
            await app.QuietAsync();
            app.Engine.GetTotals().Events.ShouldBe(0);
            (await app.TotalsAsync("Products", "tea")).Count.ShouldBeInRange(accepted, accepted + 4);
        }
    }

    private static string[] ReadOutput(TestFolder folder) => [.. Directory.GetFiles(folder["out"], "*.jsonl").Order().SelectMany(File.ReadLines)];

    private static Task<WebApp> StartAsync(TestFolder folder, int flushDelayMs) => WebApp.StartAsync(
        folder["data"], s => s.AddOrders(folder["out"]), o => o.Silos = 3, f => f.FlushDelay = TimeSpan.FromMilliseconds(flushDelayMs));

    /// <summary>Right after a failure a partition may refuse repeats for a moment, until it has read its log.</summary>
    private static async Task<HttpResponseMessage> RepeatAsync(WebApp app, Order[] orders)
    {
        while (true)
        {
            HttpResponseMessage response = await app.PostOrdersAsync(orders, "p", 5);
            if ((int)response.StatusCode != 429)
            {
                return response;
            }

            response.Dispose();
            await Task.Delay(10, WebApp.Cancel);
        }
    }
}

using System.Collections.Concurrent;
using System.Net;

namespace OrleansStreaming.AspNetCore.Tests;

/// <summary>Clients that send orders with ids, repeat what was not answered, and know what the totals must be.</summary>
internal sealed class Traffic(WebApp app, int clients, int requests, int perRequest)
{
    private const int CustomerCount = 37, ProductCount = 11;
    private readonly ConcurrentDictionary<string, (long Count, long Sum)> _customers = new();
    private readonly ConcurrentDictionary<string, (long Count, long Sum)> _products = new();
    private int _sent;
    private int _repeated;

    public WebApp App { get; set; } = app;

    /// <summary>Requests that were answered.</summary>
    public int Sent => _sent;

    /// <summary>Requests that were sent twice on purpose or because they were refused.</summary>
    public int Repeated => _repeated;

    public int Total => clients * requests;

    public Task RunAsync() => Task.WhenAll(Enumerable.Range(0, clients).Select(c => Task.Run(() => ClientAsync(c))));

    /// <summary>Everything counts once: by customer, by product, and in the lines that the sink wrote.</summary>
    public async Task CheckAsync(string output)
    {
        await App.QuietAsync();
        Compare(await App.StatesAsync("Customers"), _customers, "Customers");
        Compare(await App.StatesAsync("Products"), _products, "Products");
        foreach ((string customer, (long, long) expected) in _customers.Take(3))
        {
            (await App.TotalsAsync("Customers", customer, "stable")).ShouldBe(expected);
        }

        CheckLines(output);
    }

    private static void Compare(Dictionary<string, string> states, IReadOnlyDictionary<string, (long Count, long Sum)> expected, string what)
    {
        Dictionary<string, string> wanted = expected.ToDictionary(e => e.Key, e => $$"""{"count":{{e.Value.Count}},"sum":{{e.Value.Sum}}}""");
        states.OrderBy(s => s.Key).ShouldBe(wanted.OrderBy(w => w.Key), what);
    }

    /// <summary>Each product's lines count from 1 up, one by one, to its total.</summary>
    private void CheckLines(string output)
    {
        Line[] lines = [.. Directory.GetFiles(output, "lines-*.jsonl").SelectMany(File.ReadLines).Select(l => System.Text.Json.JsonSerializer.Deserialize<Line>(l, System.Text.Json.JsonSerializerOptions.Web)!)];
        foreach (IGrouping<string, Line> product in lines.GroupBy(l => l.Product))
        {
            product.Select(l => l.Count).ShouldBe(Enumerable.Range(1, product.Count()).Select(i => (long)i), product.Key);
            (product.Last().Count, product.Last().Sum).ShouldBe(_products[product.Key], product.Key);
        }

        lines.Length.ShouldBe(clients * requests * perRequest);
    }

    private async Task ClientAsync(int client)
    {
        var random = new Random(client);
        for (int sequence = 1; sequence <= requests; sequence++)
        {
            Order[] orders = [.. Enumerable.Range(0, perRequest).Select(_ => new Order($"c{random.Next(CustomerCount)}", random.Next(1, 100)) { Product = $"p{random.Next(ProductCount)}" })];
            do
            {
                await SendAsync(orders, client, sequence);
            }
            while (random.Next(8) == 0); // Some answers are as good as lost.

            foreach (Order order in orders)
            {
                _customers.AddOrUpdate(order.Customer, (1, order.Amount), (_, t) => (t.Count + 1, t.Sum + order.Amount));
                _products.AddOrUpdate(order.Product!, (1, order.Amount), (_, t) => (t.Count + 1, t.Sum + order.Amount));
            }

            Interlocked.Increment(ref _sent);
        }
    }

    private async Task SendAsync(Order[] orders, int client, int sequence)
    {
        while (true)
        {
            using HttpResponseMessage response = await App.PostOrdersAsync(orders, $"client{client}", sequence);
            if (response.IsSuccessStatusCode)
            {
                return;
            }

            response.StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
            Interlocked.Increment(ref _repeated);
            await Task.Delay(10, WebApp.Cancel);
        }
    }
}

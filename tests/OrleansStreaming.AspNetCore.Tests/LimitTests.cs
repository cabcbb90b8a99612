using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;

namespace OrleansStreaming.AspNetCore.Tests;

public sealed class LimitTests
{
    private const int Huge = 100 << 20;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_body_of_100_MB_is_refused_and_not_held_in_memory(bool withLength)
    {
        using var folder = new TestFolder();
        await using WebApp app = await WebApp.StartAsync(folder["data"], s => s.AddOrders());
        await app.AcceptedAsync(app.PostOrdersAsync([new Order("warm", 1)]));
        var allocated = new List<long>();
        while (allocated.Count < 5 && !allocated.Exists(bytes => bytes < 48 << 20))
        {
            // Whatever else this process does counts, too, hence several attempts; to hold the body would take more in each.
            long before = GC.GetTotalAllocatedBytes(precise: true);
            await WebApp.ProblemAsync(app.PostAsync("/streams/orders/events", new Endless(Huge, withLength)), HttpStatusCode.RequestEntityTooLarge, "too-large");
            allocated.Add(GC.GetTotalAllocatedBytes(precise: true) - before);
        }

        allocated.Min().ShouldBeLessThan(48L << 20);
        (await app.AcceptedAsync(app.PostOrdersAsync([new Order("warm", 1)]))).ShouldBe((1, 0));
    }

    [Theory]
    [InlineData("Content-Length: 104857600\r\n\r\n", 0)]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n", 70_000)]
    public async Task The_refusal_comes_before_the_body_has_been_sent(string header, int send)
    {
        using var folder = new TestFolder();
        await using WebApp app = await WebApp.StartAsync(folder["data"], s => s.AddOrders(), o => o.MaxRequestBytes = 65_536);
        using var client = new TcpClient();
        await client.ConnectAsync(app.Http.BaseAddress!.Host, app.Http.BaseAddress.Port, WebApp.Cancel);
        NetworkStream stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"POST /streams/orders/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{header}"), WebApp.Cancel);
        if (send > 0)
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"{send:x}\r\n{new string(' ', send)}\r\n"), WebApp.Cancel);
        }

        byte[] reply = new byte[12];
        await stream.ReadExactlyAsync(reply, WebApp.Cancel).AsTask().WaitAsync(TimeSpan.FromSeconds(4), WebApp.Cancel);
        Encoding.ASCII.GetString(reply).ShouldBe("HTTP/1.1 413");
    }

    [Fact]
    public async Task The_largest_body_is_taken()
    {
        using var folder = new TestFolder();
        await using WebApp app = await WebApp.StartAsync(folder["data"], s => s.AddOrders());
        string head = """{"customer":"big","amount":1,"product":""" + "\"", end = "\"}";
        int limit = new StreamingOptions().MaxRequestBytes;
        string body = head + new string(' ', limit - head.Length - end.Length) + end;
        await WebApp.ProblemAsync(app.PostAsync("/streams/orders/events", body + " "), HttpStatusCode.RequestEntityTooLarge, "too-large");

        // The product is too long a key for what the operator emits: the event is stored, and goes to the dead letters.
        (await app.AcceptedAsync(app.PostAsync("/streams/orders/events", body))).ShouldBe((1, 0));
        await app.QuietAsync();
        string small = """{"customer":"small","amount":1},""";
        int count = (limit - 2) / small.Length;
        (await app.AcceptedAsync(app.PostAsync("/streams/orders/events", "[" + string.Concat(Enumerable.Repeat(small, count)).TrimEnd(',') + "]"))).ShouldBe((count, 0));
        (await app.TotalsAsync("Customers", "small", "stable")).ShouldBe((count, count));
    }

    [Fact]
    public async Task Small_json_that_is_large_when_stored_is_refused()
    {
        using var folder = new TestFolder();
        await using WebApp app = await WebApp.StartAsync(folder["data"], s => s.AddOthers(), o => o.MaxRequestBytes = 32 << 20);
        string body = "[" + string.Join(",", Enumerable.Repeat("{}", 2_000_000)) + "]";
        await WebApp.ProblemAsync(app.PostAsync("/streams/readings/events", body), HttpStatusCode.RequestEntityTooLarge, "too-large");
        await WebApp.ProblemAsync(app.Http.GetAsync("/operators/Devices/0", WebApp.Cancel), HttpStatusCode.NotFound, "unknown-key");
    }

    [Fact]
    public async Task Too_much_that_is_not_durable_yet_is_refused()
    {
        using var folder = new TestFolder();
        await using WebApp app = await WebApp.StartAsync(
            folder["data"], s => s.AddOrders(), o => o.MaxUnflushedBytes = 1 << 16, f => f.FlushDelay = TimeSpan.FromMilliseconds(700));
        Order[] many = [.. Enumerable.Range(0, 3000).Select(i => new Order("one", 1))];
        Task<HttpResponseMessage> first = app.PostOrdersAsync(many, "p", 1);
        await app.UntilAsync(async () => (await app.Engine.GetSilosAsync())[0].UnflushedBytes > 1 << 16, "the first request waits to be durable");
        using HttpResponseMessage second = await app.PostOrdersAsync([new Order("one", 1)], "p", 2);
        await WebApp.ProblemAsync(Task.FromResult(second), HttpStatusCode.TooManyRequests, "busy");
        second.Headers.RetryAfter!.Delta.ShouldBe(TimeSpan.FromSeconds(1));
        (await app.AcceptedAsync(first)).ShouldBe((3000, 0));
        int refused = 0;
        await app.UntilAsync(
            async () =>
            {
                using HttpResponseMessage again = await app.PostOrdersAsync([new Order("one", 1)], "p", 2);
                refused += again.IsSuccessStatusCode ? 0 : 1;
                return again.IsSuccessStatusCode;
            },
            "the second request is taken");
        (await app.TotalsAsync("Customers", "one")).ShouldBe((3001, 3001));
    }

    [Fact]
    public async Task Too_many_producers_are_refused()
    {
        using var folder = new TestFolder();
        await using WebApp app = await WebApp.StartAsync(folder["data"], s => s.AddOrders(), o => o.MaxProducers = 2);
        Order[] one = [new Order("one", 1)];
        await app.AcceptedAsync(app.PostOrdersAsync(one, "a", 1));
        await app.AcceptedAsync(app.PostOrdersAsync(one, "b", 1));
        JsonNode problem = await WebApp.ProblemAsync(app.PostOrdersAsync(one, "c", 1), HttpStatusCode.TooManyRequests, "too-many-producers");
        ((string)problem["detail"]!).ShouldContain("at most 2 producers");
        (await app.AcceptedAsync(app.PostOrdersAsync(one, "b", 2))).ShouldBe((1, 0));
        (await app.AcceptedAsync(app.PostOrdersAsync(one))).ShouldBe((1, 0));
    }

    [Fact]
    public async Task A_producer_counts_once_however_much_it_sends()
    {
        using var folder = new TestFolder();
        await using WebApp app = await WebApp.StartAsync(folder["data"], s => s.AddOrders(), o => o.MaxProducers = 2);
        Order[] one = [new Order("one", 1)];
        for (int i = 1; i <= 100; i++)
        {
            await app.AcceptedAsync(app.PostOrdersAsync(one, "a", i));
            await app.QuietAsync();
        }

        await app.AcceptedAsync(app.PostOrdersAsync(one, "b", 1));
        await WebApp.ProblemAsync(app.PostOrdersAsync(one, "c", 1), HttpStatusCode.TooManyRequests, "too-many-producers");
    }

    [Fact]
    public async Task What_is_not_durable_in_time_is_answered_with_504_and_may_be_repeated()
    {
        using var folder = new TestFolder();
        await using WebApp app = await WebApp.StartAsync(
            folder["data"], s => s.AddOrders(), o => o.RequestTimeout = TimeSpan.FromMilliseconds(200), f => f.FlushDelay = TimeSpan.FromMilliseconds(900));
        await WebApp.ProblemAsync(app.PostOrdersAsync([new Order("one", 1)], "p", 1), HttpStatusCode.GatewayTimeout, "timeout");
        await app.QuietAsync();
        (await app.AcceptedAsync(app.PostOrdersAsync([new Order("one", 1)], "p", 1))).ShouldBe((0, 1));
        (await app.TotalsAsync("Customers", "one")).ShouldBe((1, 1));
    }

    /// <summary>Blanks, as many as one likes, from one small buffer.</summary>
    private sealed class Endless : HttpContent
    {
        private static readonly byte[] Blanks = [.. Enumerable.Repeat((byte)' ', 64 << 10)];
        private readonly long _length;
        private readonly bool _withLength;

        public Endless(long length, bool withLength)
        {
            _length = length;
            _withLength = withLength;
            Headers.Add("Content-Type", "application/json");
        }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            for (long sent = 0; sent < _length; sent += Blanks.Length)
            {
                await stream.WriteAsync(Blanks);
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = _length;
            return _withLength;
        }
    }
}

using System.Net;
using System.Text;
using System.Text.Json.Nodes;

namespace OrleansStreaming.AspNetCore.Tests;

public sealed class IngestTests : IAsyncLifetime
{
    private readonly TestFolder _folder = new();
    private WebApp _app = null!;

    public async ValueTask InitializeAsync() =>
        _app = await WebApp.StartAsync(_folder["data"], s => s.AddOrders().AddOthers());

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task An_array_is_stored_and_processed()
    {
        (await _app.AcceptedAsync(_app.PostAsync("/streams/orders/events", """[{"customer":"ann","amount":3},{"customer":"bob","amount":4},{"Customer":"ann","Amount":5}]""")))
            .ShouldBe((3, 0));
        (await _app.TotalsAsync("Customers", "ann")).ShouldBe((2, 8));
        (await _app.TotalsAsync("Customers", "bob", "stable")).ShouldBe((1, 4));
    }

    [Theory]
    [InlineData("""{"customer":"one","amount":3}""", "application/json", 1)]
    [InlineData("\uFEFF {\"customer\":\"one\",\"amount\":3} ", "application/json", 1)]
    [InlineData("[]", "application/json", 0)]
    [InlineData("", "application/x-ndjson", 0)]
    [InlineData("{\"customer\":\"one\",\"amount\":3}\n\r\n{\"customer\":\"one\",\"amount\":4}\r\n  \n", "application/x-ndjson", 2)]
    [InlineData("\uFEFF{\"customer\":\"one\",\"amount\":3}", "application/x-ndjson", 1)]
    public async Task Forms_of_bodies(string body, string type, int events) =>
        (await _app.AcceptedAsync(_app.PostAsync("/streams/orders/events", body, type))).ShouldBe((events, 0));

    [Theory]
    [InlineData("""[{"customer":"x","amount":1},{"customer":"x","amount":"two"}]""", "application/json", 1, 59, null)]
    [InlineData("""[{"customer":"x","amount":1}, oops]""", "application/json", 1, 30, null)]
    [InlineData("""[{"customer":"x","amount":1} {"customer":"x","amount":1}]""", "application/json", 1, 29, null)]
    [InlineData("""[{"customer":"x","amount":1},]""", "application/json", 1, 29, null)]
    [InlineData("""[{"customer":"x","amount":1}""", "application/json", 1, 28, null)]
    [InlineData("""[{"customer":"x","amount":1}] []""", "application/json", 1, 30, null)]
    [InlineData("""[{"customer":"x","amount":1},null]""", "application/json", 1, 29, null)]
    [InlineData("""[{"customer":"x","amount":1},7]""", "application/json", 1, 30, null)]
    [InlineData("[\n{\"customer\":\"x\",\n\"amount\":1},\n{\"customer\":\"x\",\n\"amount\":true}]", "application/json", 1, 62, null)]
    [InlineData("", "application/json", 0, 0, null)]
    [InlineData("  ", "application/json", 0, 2, null)]
    [InlineData("\"text\"", "application/json", 0, 6, null)]
    [InlineData("{\"customer\":\"x\",\"amount\":1}\n\n{\"customer\":\"x\",\"amount\":}\n", "application/x-ndjson", 1, 54, 3)]
    [InlineData("{\"customer\":\"x\",\"amount\":1}{\"customer\":\"x\",\"amount\":1}\n", "application/x-ndjson", 1, 27, 1)]
    [InlineData("{\"customer\":\"x\",\"amount\":1}\n{\"customer\":\"x\",\n\"amount\":1}\n", "application/x-ndjson", 1, 43, 2)]
    [InlineData("[{\"customer\":\"x\",\"amount\":1}]\n", "application/x-ndjson", 0, 1, 1)]
    [InlineData("""[{"customer":"x","amount":1},{"amount":1}]""", "application/json", 1, 29, null)]
    public async Task Bad_events_are_named_and_nothing_is_stored(string body, string type, int index, int offset, int? line)
    {
        HttpResponseMessage response = await _app.PostAsync("/streams/orders/events", body, type);
        JsonNode problem = await WebApp.ProblemAsync(Task.FromResult(response), HttpStatusCode.BadRequest, body.Contains("{\"amount\":1}") ? "bad-key" : "bad-event");
        ((int)problem["index"]!).ShouldBe(index, problem.ToJsonString());
        ((int)problem["offset"]!).ShouldBe(offset, problem.ToJsonString());
        ((int?)problem["line"]).ShouldBe(line);
        await WebApp.ProblemAsync(_app.Http.GetAsync("/operators/Customers/x", WebApp.Cancel), HttpStatusCode.NotFound, "unknown-key");
    }

    /// <summary>A body has no checksum: a flipped bit may make another event, and must not make an error of the server.</summary>
    [Theory]
    [InlineData("[{\"customer\":\"é\",\"amount\":12}]", "application/json")]
    [InlineData("{\"customer\":\"one\",\"amount\":3}\n", "application/x-ndjson")]
    public async Task Any_damage_to_a_body_is_a_bad_event_or_makes_another(string body, string type)
    {
        byte[] whole = Encoding.UTF8.GetBytes(body);
        int end = type == "application/json" ? whole.Length : whole.Length - 1; // a last line needs no end
        for (int length = 1; length < end; length++)
        {
            await WebApp.ProblemAsync(SendAsync(whole[..length]), HttpStatusCode.BadRequest, "bad-event");
        }

        int refused = 0;
        for (int bit = 0; bit < whole.Length * 8; bit++)
        {
            byte[] flipped = [.. whole];
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            using HttpResponseMessage response = await SendAsync(flipped);
            response.StatusCode.ShouldBeOneOf(HttpStatusCode.OK, HttpStatusCode.BadRequest);
            refused += response.StatusCode == HttpStatusCode.BadRequest ? 1 : 0;
        }

        refused.ShouldBeInRange(whole.Length, whole.Length * 7);

        Task<HttpResponseMessage> SendAsync(byte[] bytes) =>
            _app.PostAsync("/streams/orders/events", new ByteArrayContent(bytes) { Headers = { { "Content-Type", type } } });
    }

    [Fact]
    public async Task Invalid_utf8_is_a_bad_event()
    {
        byte[] body = [.. "[{\"customer\":\"x"u8, 0xFF, .. "\",\"amount\":1}]"u8];
        var content = new ByteArrayContent(body) { Headers = { { "Content-Type", "application/json" } } };
        await WebApp.ProblemAsync(_app.PostAsync("/streams/orders/events", content), HttpStatusCode.BadRequest, "bad-event");
    }

    [Theory]
    [InlineData("")]
    [InlineData(10_240)]
    [InlineData("\\ud800")]
    public async Task Unusable_keys(object key)
    {
        string text = key is int length ? new string('k', length) : (string)key;
        JsonNode problem = await WebApp.ProblemAsync(
            _app.PostAsync("/streams/orders/events", $$"""[{"customer":"x","amount":1},{"customer":"{{text}}","amount":1}]"""),
            HttpStatusCode.BadRequest,
            text.StartsWith('\\') ? "bad-event" : "bad-key");
        ((int)problem["index"]!).ShouldBe(1);
        await WebApp.ProblemAsync(_app.Http.GetAsync("/operators/Customers/x", WebApp.Cancel), HttpStatusCode.NotFound, "unknown-key");
    }

    [Fact]
    public async Task Depth_is_limited()
    {
        await AtDepth(64).ShouldBeTrueAsync();
        await AtDepth(65).ShouldBeFalseAsync();

        async Task<bool> AtDepth(int depth)
        {
            // The event is the first level.
            string deep = $$"""{"customer":"deep","amount":1,"ignored":{{new string('[', depth - 1)}}{{new string(']', depth - 1)}}}""";
            HttpStatusCode one = await StatusAsync(_app.PostAsync("/streams/orders/events", deep));
            (await StatusAsync(_app.PostAsync("/streams/orders/events", $"[{deep}]"))).ShouldBe(one);
            (await StatusAsync(_app.PostAsync("/streams/orders/events", deep, "application/x-ndjson"))).ShouldBe(one);
            one.ShouldBeOneOf(HttpStatusCode.OK, HttpStatusCode.BadRequest);
            return one == HttpStatusCode.OK;
        }
    }

    [Fact]
    public async Task Very_deep_json_is_refused()
    {
        string deep = new string('[', 1_000_000);
        await WebApp.ProblemAsync(_app.PostAsync("/streams/orders/events", deep), HttpStatusCode.BadRequest, "bad-event");
    }

    [Fact]
    public async Task Unknown_streams_are_answered_with_those_there_are()
    {
        JsonNode problem = await WebApp.ProblemAsync(_app.PostAsync("/streams/nothing/events", "[]"), HttpStatusCode.NotFound, "unknown-stream");
        problem["streams"]!.AsArray().Select(s => (string?)s).ShouldBe(["orders", "sales", "lines", "readings", "account-events", "gifts"], ignoreOrder: true);
        await WebApp.ProblemAsync(_app.PostAsync("/streams/Accounts.inbox/events", "[]"), HttpStatusCode.NotFound, "unknown-stream");
        await WebApp.ProblemAsync(_app.PostAsync("/streams/Customers.deadletters/events", "[]"), HttpStatusCode.NotFound, "unknown-stream");
    }

    [Fact]
    public async Task A_stream_of_several_types_wants_to_know_which()
    {
        const string Body = """[{"account":"a","amount":5}]""";
        JsonNode problem = await WebApp.ProblemAsync(_app.PostAsync("/streams/account-events/events", Body), HttpStatusCode.BadRequest, "bad-type");
        problem["types"]!.AsArray().Select(s => (string?)s).ShouldBe(["Deposit", "Withdrawal"], ignoreOrder: true);
        await WebApp.ProblemAsync(_app.PostAsync("/streams/account-events/events?type=Order", Body), HttpStatusCode.BadRequest, "bad-type");
        (await _app.AcceptedAsync(_app.PostAsync("/streams/account-events/events?type=Deposit", Body))).ShouldBe((1, 0));
        (await _app.AcceptedAsync(_app.PostAsync($"/streams/account-events/events?type={typeof(Withdrawal).FullName}", """{"account":"a","amount":2}"""))).ShouldBe((1, 0));
        (await _app.AcceptedAsync(_app.PostAsync("/streams/gifts/events?type=Deposit", """{"account":"a","amount":10}"""))).ShouldBe((1, 0));
        await _app.QuietAsync();
        (await _app.TotalsAsync("Accounts", "a")).ShouldBe((3, 13));
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/json; charset=utf-16")]
    [InlineData("application/xml")]
    [InlineData(null)]
    public async Task Other_media_types_are_refused(string? type)
    {
        var content = new ByteArrayContent("[]"u8.ToArray());
        if (type is not null)
        {
            content.Headers.Add("Content-Type", type);
        }

        await WebApp.ProblemAsync(_app.PostAsync("/streams/orders/events", content), HttpStatusCode.UnsupportedMediaType, "unsupported-media-type");
    }

    [Fact]
    public async Task Other_encodings_and_methods_are_refused()
    {
        var content = new ByteArrayContent("[]"u8.ToArray()) { Headers = { { "Content-Type", "application/json" }, { "Content-Encoding", "gzip" } } };
        await WebApp.ProblemAsync(_app.PostAsync("/streams/orders/events", content), HttpStatusCode.UnsupportedMediaType, "unsupported-encoding");
        (await StatusAsync(_app.Http.GetAsync("/streams/orders/events", WebApp.Cancel))).ShouldBe(HttpStatusCode.MethodNotAllowed);
        (await StatusAsync(_app.Http.DeleteAsync("/operators/Customers/x", WebApp.Cancel))).ShouldBe(HttpStatusCode.MethodNotAllowed);
    }

    [Theory]
    [InlineData("p", null)]
    [InlineData(null, "1")]
    [InlineData("", "1")]
    [InlineData("p", "0")]
    [InlineData("p", "-1")]
    [InlineData("p", "1.5")]
    [InlineData("p", "x")]
    [InlineData("p", "9223372036854775808")]
    [InlineData("long", "1")]
    public async Task Bad_producers_are_refused(string? id, string? sequence) =>
        await WebApp.ProblemAsync(
            _app.PostAsync("/streams/orders/events", new StringContent("[]", Encoding.UTF8, "application/json"), id == "long" ? new string('p', 129) : id, sequence),
            HttpStatusCode.BadRequest,
            "bad-producer");

    [Fact]
    public async Task The_same_request_counts_once()
    {
        Order[] orders = [.. Enumerable.Range(0, 40).Select(i => new Order($"c{i % 10}", 1))];
        string producer = new('p', 128);
        (await _app.AcceptedAsync(_app.PostOrdersAsync(orders, producer, 7))).ShouldBe((40, 0));
        (await _app.AcceptedAsync(_app.PostOrdersAsync(orders, producer, 7))).ShouldBe((0, 40));
        (await _app.AcceptedAsync(_app.PostOrdersAsync(orders, producer, 6))).ShouldBe((0, 40));
        (await _app.AcceptedAsync(_app.PostOrdersAsync(orders, producer, 8))).ShouldBe((40, 0));
        (await _app.AcceptedAsync(_app.PostOrdersAsync(orders, "other", 7))).ShouldBe((40, 0));
        for (int i = 0; i < 10; i++)
        {
            (await _app.TotalsAsync("Customers", $"c{i}")).ShouldBe((12, 12));
        }
    }

    [Fact]
    public async Task The_same_request_many_times_at_once_counts_once()
    {
        Order[] orders = [.. Enumerable.Range(0, 40).Select(i => new Order($"c{i % 10}", 1))];
        (int Accepted, int Duplicates)[] answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => _app.AcceptedAsync(_app.PostOrdersAsync(orders, "p", 1))));
        answers.Sum(a => a.Accepted).ShouldBe(40);
        answers.ShouldAllBe(a => a.Accepted + a.Duplicates == 40);
        (await _app.TotalsAsync("Customers", "c3")).ShouldBe((4, 4));
    }

    [Fact]
    public async Task A_client_that_goes_away_harms_nobody()
    {
        using (var socket = new System.Net.Sockets.TcpClient())
        {
            await socket.ConnectAsync(_app.Http.BaseAddress!.Host, _app.Http.BaseAddress.Port, WebApp.Cancel);
            await socket.GetStream().WriteAsync("POST /streams/orders/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n[{\"cus"u8.ToArray(), WebApp.Cancel);
        }

        (await _app.AcceptedAsync(_app.PostOrdersAsync([new Order("ann", 1)]))).ShouldBe((1, 0));
        _app.Log.Lines.ShouldNotContain(l => l.Contains("unhandled exception"));
    }

    private static async Task<HttpStatusCode> StatusAsync(Task<HttpResponseMessage> sent)
    {
        using HttpResponseMessage response = await sent;
        return response.StatusCode;
    }
}

internal static class AsyncAssertions
{
    public static async Task ShouldBeTrueAsync(this Task<bool> value) => (await value).ShouldBeTrue();

    public static async Task ShouldBeFalseAsync(this Task<bool> value) => (await value).ShouldBeFalse();
}

using System.Net;
using System.Text.Json.Nodes;

namespace OrleansStreaming.AspNetCore.Tests;

public sealed class StateTests : IAsyncLifetime
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

    [Theory]
    [InlineData("latest")]
    [InlineData("stable")]
    public async Task A_state_comes_with_its_offset(string consistency)
    {
        await _app.AcceptedAsync(_app.PostOrdersAsync([new Order("ann", 3), new Order("ann", 4)]));
        using HttpResponseMessage response = await _app.Http.GetAsync($"/operators/Customers/ann?consistency={consistency}", WebApp.Cancel);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("application/json");
        JsonNode json = JsonNode.Parse(await response.Content.ReadAsStringAsync(WebApp.Cancel))!;
        json.AsObject().Select(p => p.Key).ShouldBe(["key", "offset", "state"]);
        ((string?)json["key"]).ShouldBe("ann");
        json["state"]!.ToJsonString().ShouldBe("""{"count":2,"sum":7}""");
        Offset.TryParse((string)json["offset"]!, out Offset offset).ShouldBeTrue();
        offset.Number.ShouldBe(1);
        response.Headers.GetValues("Streaming-Offset").ShouldBe([offset.ToString()]);
        response.Headers.CacheControl!.NoStore.ShouldBeTrue();
    }

    [Theory]
    [InlineData("a/b")]
    [InlineData("a//b")]
    [InlineData("/a")]
    [InlineData("a/")]
    [InlineData("/")]
    [InlineData("a%2Fb")]
    [InlineData("a%2fb/c%25")]
    [InlineData("100%")]
    [InlineData("%")]
    [InlineData("žluťoučký/kůň 🐎")]
    [InlineData("a b+c&d=e?f#g;h,i:j@k\\l\"m'n<o>")]
    [InlineData(".hidden/..name")]
    public async Task Any_key_can_be_asked_for(string key)
    {
        await _app.AcceptedAsync(_app.PostOrdersAsync([new Order(key, 3)]));
        (await _app.TotalsAsync("Customers", key)).ShouldBe((1, 3));
    }

    [Theory]
    [InlineData("..")]
    [InlineData(".")]
    [InlineData("a/../b")]
    [InlineData("x y/ž%2F")]
    public async Task Keys_that_no_path_can_have_are_asked_for_in_the_query(string key)
    {
        await _app.AcceptedAsync(_app.PostOrdersAsync([new Order(key, 3)]));
        JsonNode json = await _app.GetAsync($"/operators/Customers?key={Uri.EscapeDataString(key)}");
        ((string?)json["key"]).ShouldBe(key);
        ((long)json["state"]!["sum"]!).ShouldBe(3);
    }

    [Fact]
    public async Task A_slash_may_be_sent_as_it_is()
    {
        await _app.AcceptedAsync(_app.PostOrdersAsync([new Order("a/b", 3), new Order("a/b%2Fc", 4)]));
        ((long)(await _app.GetAsync("/operators/Customers/a/b"))["state"]!["sum"]!).ShouldBe(3);
        ((long)(await _app.GetAsync("/operators/Customers/a%2fb"))["state"]!["sum"]!).ShouldBe(3);
        ((long)(await _app.GetAsync("/operators/Customers/a/b%252Fc"))["state"]!["sum"]!).ShouldBe(4);
        ((string?)(await _app.GetAsync("/operators/Customers/a%2Fb%252Fc?consistency=stable"))["key"]).ShouldBe("a/b%2Fc");
    }

    [Fact]
    public async Task The_longest_key_and_longer_ones()
    {
        string longest = new('k', 1024);
        await _app.AcceptedAsync(_app.PostOrdersAsync([new Order(longest, 3)]));
        (await _app.TotalsAsync("Customers", longest)).ShouldBe((1, 3));
        await WebApp.ProblemAsync(_app.Http.GetAsync($"/operators/Customers/{longest}k", WebApp.Cancel), HttpStatusCode.BadRequest, "bad-key");
        using HttpResponseMessage response = await _app.Http.GetAsync($"/operators/Customers/{new string('k', 10_240)}", WebApp.Cancel);
        response.StatusCode.ShouldBe(HttpStatusCode.RequestUriTooLong);
    }

    [Theory]
    [InlineData("/operators/Customers")]
    [InlineData("/operators/Customers/")]
    [InlineData("/operators/Devices/x")]
    [InlineData("/operators/Devices/1.5")]
    [InlineData("/operators/Devices/9223372036854775808")]
    public async Task What_is_not_a_key(string path) =>
        await WebApp.ProblemAsync(_app.Http.GetAsync(path, WebApp.Cancel), HttpStatusCode.BadRequest, "bad-key");

    [Fact]
    public async Task Numbers_are_keys()
    {
        await _app.AcceptedAsync(_app.PostAsync("/streams/readings/events", """[{"device":-5,"value":2.5},{"device":9223372036854775807,"value":7}]"""));
        (await _app.TotalsAsync("Devices", "-5")).ShouldBe((1, 2));
        (await _app.TotalsAsync("Devices", "9223372036854775807")).ShouldBe((1, 7));
    }

    [Fact]
    public async Task Unknown_operators_are_answered_with_those_there_are()
    {
        foreach (string name in (string[])["Nothing", "Accounts<gifts", "customers"])
        {
            JsonNode problem = await WebApp.ProblemAsync(_app.Http.GetAsync($"/operators/{Uri.EscapeDataString(name)}/x", WebApp.Cancel), HttpStatusCode.NotFound, "unknown-operator");
            problem["operators"]!.AsArray().Select(o => (string?)o).ShouldBe(["Customers", "Products", "Devices", "Accounts"], ignoreOrder: true);
        }
    }

    [Fact]
    public async Task Other_questions_are_refused()
    {
        await WebApp.ProblemAsync(_app.Http.GetAsync("/operators/Customers/x?consistency=strong", WebApp.Cancel), HttpStatusCode.BadRequest, "bad-consistency");
        await WebApp.ProblemAsync(_app.Http.GetAsync("/operators/Customers/x?consistency=stable", WebApp.Cancel), HttpStatusCode.NotFound, "unknown-key");
    }

    [Fact]
    public async Task A_question_that_comes_while_events_are_processed_is_answered_when_they_are()
    {
        string order = """{"customer":"busy","amount":1},""";
        (await _app.AcceptedAsync(_app.PostAsync("/streams/orders/events", "[" + string.Concat(Enumerable.Repeat(order, 200_000)).TrimEnd(',') + "]"))).ShouldBe((200_000, 0));
        (await _app.TotalsAsync("Customers", "busy").WaitAsync(TimeSpan.FromSeconds(15), WebApp.Cancel)).ShouldBe((200_000, 200_000));
    }

    [Fact]
    public async Task A_stable_answer_waits_for_the_flush_and_comes_after_it()
    {
        using var folder = new TestFolder();
        await using WebApp app = await WebApp.StartAsync(folder["data"], s => s.AddOrders(), files: f => f.FlushDelay = TimeSpan.FromMilliseconds(600));
        Task<HttpResponseMessage> posting = app.PostOrdersAsync([new Order("ann", 1)]);
        await app.UntilAsync(async () => (await app.Http.GetAsync("/operators/Customers/ann", WebApp.Cancel)).IsSuccessStatusCode, "the event is processed");
        posting.IsCompleted.ShouldBeFalse();
        (await app.TotalsAsync("Customers", "ann", "stable").WaitAsync(TimeSpan.FromSeconds(5), WebApp.Cancel)).ShouldBe((1, 1));
        (await app.AcceptedAsync(posting)).ShouldBe((1, 0));
    }

    [Fact]
    public async Task A_state_that_cannot_be_read_in_time_is_answered_with_504_and_at_a_stop_with_503()
    {
        using var folder = new TestFolder();
        await using WebApp app = await WebApp.StartAsync(
            folder["data"],
            s => s.AddStream<Order>("orders", o => o.Customer).AddOperator<Slow>(from: "orders"),
            o =>
            {
                o.RequestTimeout = TimeSpan.FromSeconds(1);
                o.DrainTimeout = TimeSpan.FromMilliseconds(100);
            });
        await app.AcceptedAsync(app.PostOrdersAsync([new Order("ann", 1)]));
        await WebApp.ProblemAsync(app.Http.GetAsync("/operators/Slow/ann", WebApp.Cancel), HttpStatusCode.GatewayTimeout, "timeout");
        Task<HttpResponseMessage> reading = app.Http.GetAsync("/operators/Slow/ann", WebApp.Cancel);
        Task<HttpResponseMessage> other = app.Http.GetAsync("/operators/Slow/other", WebApp.Cancel);
        await WebApp.ProblemAsync(other, HttpStatusCode.NotFound, "unknown-key");
        await app.StopAsync();
        using HttpResponseMessage stopped = await reading;
        stopped.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        Slow.Gate.SetResult();
    }
}

using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using OrleansStreaming.Testing;

namespace OrleansStreaming.AspNetCore.Tests;

public sealed class StatusTests
{
    [Fact]
    public async Task The_topology_is_described()
    {
        using var folder = new TestFolder();
        await using WebApp app = await WebApp.StartAsync(folder["data"], s => s.AddOrders(folder["out"]).AddOthers());
        JsonNode json = await app.GetAsync("/topology");
        ((string?)json["deployment"]).ShouldNotBeNullOrEmpty();
        JsonNode orders = json["streams"]!.AsArray().Single(s => (string?)s!["name"] == "orders")!;
        ((int)orders["partitions"]!).ShouldBe(4);
        ((string?)orders["keyType"]).ShouldBe("string");
        ((bool)orders["internal"]!).ShouldBeFalse();
        ((bool)json["streams"]!.AsArray().Single(s => (string?)s!["name"] == "Accounts.inbox")!["internal"]!).ShouldBeTrue();
        JsonNode accounts = json["operators"]!.AsArray().Single(o => (string?)o!["name"] == "Accounts")!;
        accounts["from"]!.AsArray().Select(s => (string?)s).ShouldBe(["account-events", "gifts"], ignoreOrder: true);
        ((string?)accounts["inbox"]).ShouldBe("Accounts.inbox");
        json["operators"]!.AsArray().Count.ShouldBe(4);
        string[] edges = [.. json["edges"]!.AsArray().Select(e => $"{e!["from"]}>{e["to"]}")];
        edges.ShouldContain("stream:orders>operator:Customers");
        edges.ShouldContain("operator:Customers>stream:sales");
        edges.ShouldContain("stream:gifts>operator:Accounts");
        edges.ShouldContain("stream:lines>sink:files");
        edges.ShouldNotContain(e => e.Contains('<') || e.Contains(".inbox"));
    }

    [Fact]
    public async Task Silos_and_recoveries_are_described()
    {
        using var folder = new TestFolder();
        await using WebApp app = await WebApp.StartAsync(folder["data"], s => s.AddOrders(), o => o.Silos = 3);
        await app.AcceptedAsync(app.PostOrdersAsync([new Order("ann", 1) { Product = "tea" }]));
        await app.QuietAsync();
        JsonNode silos = await app.GetAsync("/silos");
        ((bool)silos["ready"]!).ShouldBeTrue();
        silos["silos"]!.AsArray().Select(s => (string?)s!["name"]).ShouldBe(["silo0", "silo1", "silo2"]);
        silos["silos"]!.AsArray().ShouldAllBe(s => (string?)s!["state"] == "running");
        silos["silos"]!.AsArray().Sum(s => (int)s!["partitions"]!).ShouldBe(14);
        ((long)silos["totals"]!["ingested"]!).ShouldBe(1);
        (await app.GetAsync("/recovery"))["rollbacks"]!.AsArray().Count.ShouldBe(0);

        await app.KillAsync("silo1", torn: false);
        await app.UntilAsync(async () => (await app.GetAsync("/recovery"))["rollbacks"]!.AsArray() is [{ } only] && only["recoveredMs"] is not null, "the failure is reported");
        JsonNode rollback = (await app.GetAsync("/recovery"))["rollbacks"]![0]!;
        ((string?)rollback["silo"]).ShouldBe("silo1");
        ((string?)rollback["journal"]).ShouldBe("silo1-1");
        await app.UntilReadyAsync();
        await app.UntilAsync(async () => (await app.GetAsync("/silos"))["silos"]!.AsArray().All(s => (string?)s!["state"] == "running"), "all silos run again");
    }

    [Fact]
    public async Task Readiness_follows_the_silos_and_liveness_does_not()
    {
        using var folder = new TestFolder();
        await using WebApp app = await WebApp.StartAsync(
            folder["data"], s => s.AddOrders(), o => o.RestartDelay = TimeSpan.FromMilliseconds(400), build: b => b.Services.AddHealthChecks().AddStreamingCheck(tags: ["ready"]));
        HealthCheckService checks = app.Services.GetRequiredService<HealthCheckService>();
        ((bool)(await app.GetAsync("/health/ready"))["ready"]!).ShouldBeTrue();
        (await checks.CheckHealthAsync(WebApp.Cancel)).Status.ShouldBe(HealthStatus.Healthy);
        await app.KillAsync("silo0", torn: false);
        JsonNode down = await app.GetAsync("/health/ready", HttpStatusCode.ServiceUnavailable);
        ((bool)down["ready"]!).ShouldBeFalse();
        down["problems"]!.AsArray().Count.ShouldBeGreaterThan(0);
        (await checks.CheckHealthAsync(WebApp.Cancel)).Status.ShouldBe(HealthStatus.Unhealthy);
        await app.GetAsync("/health/live");
        (await app.Http.SendAsync(new HttpRequestMessage(HttpMethod.Head, "/health/live"), WebApp.Cancel)).StatusCode.ShouldBe(HttpStatusCode.OK);
        await app.UntilAsync(async () => (await app.Http.GetAsync("/health/ready", WebApp.Cancel)).IsSuccessStatusCode, "it is ready again");
        await app.UntilAsync(async () => (await checks.CheckHealthAsync(WebApp.Cancel)).Status == HealthStatus.Healthy, "it is healthy again");
    }

    [Fact]
    public async Task A_turn_that_blocks_its_silo_shows_and_blocks_nobody_who_looks()
    {
        using var folder = new TestFolder();
        await using WebApp app = await WebApp.StartAsync(
            folder["data"], s => s.AddStream<Order>("orders", o => o.Customer).AddOperator<Blocking>(from: "orders"), o => o.DrainTimeout = TimeSpan.FromMilliseconds(10));
        Task<HttpResponseMessage> posting = app.PostOrdersAsync([new Order("ann", 1)]);
        try
        {
            Task<JsonNode> silos = app.GetAsync("/silos");
            await app.UntilAsync(async () => (await app.Engine.GetHealthAsync()).Problems.Any(p => p.Contains("silo0 does not answer")), "the silo is reported");
            await app.GetAsync("/health/ready", HttpStatusCode.ServiceUnavailable);
            await app.GetAsync("/health/live");
            await silos;
        }
        finally
        {
            Blocking.Gate.Set();
        }

        (await app.AcceptedAsync(posting)).ShouldBe((1, 0));
        await app.UntilReadyAsync();
    }

    public sealed class Blocking : OperatorGrain<Totals>, IConsume<Order>
    {
        public static readonly ManualResetEventSlim Gate = new();

        public ValueTask OnEvent(Order order, EventContext context)
        {
            Gate.Wait(TimeSpan.FromSeconds(20));
            State.Count++;
            return default;
        }
    }

    [Fact]
    public async Task Faults_are_only_there_when_mapped()
    {
        using var folder = new TestFolder();
        await using WebApp app = await WebApp.StartAsync(folder["data"], s => s.AddOrders(), map: a =>
        {
            a.MapStreaming("/api");
            a.MapStreamingFaults("/break");
        });
        (await app.Http.PostAsync("/faults/silos/silo0/kill", null, WebApp.Cancel)).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await app.Http.PostAsync("/api/faults/silos/silo0/kill", null, WebApp.Cancel)).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        JsonNode unknown = await WebApp.ProblemAsync(app.Http.PostAsync("/break/faults/silos/silo7/kill", null, WebApp.Cancel), HttpStatusCode.NotFound, "unknown-silo");
        ((string)unknown["detail"]!).ShouldContain("silo0");
        await WebApp.ProblemAsync(app.Http.PostAsync("/break/faults/silos/silo0/kill?torn=perhaps", null, WebApp.Cancel), HttpStatusCode.BadRequest, "bad-fault");
        await app.GetAsync("/api/topology");
        (await app.AcceptedAsync(app.PostAsync("/api/streams/orders/events", """{"customer":"a/b","amount":2}"""))).ShouldBe((1, 0));
        ((string?)(await app.GetAsync("/api/operators/Customers/a%2Fb"))["key"]).ShouldBe("a/b");
    }

    [Fact]
    public async Task Metrics_and_activities()
    {
        var activities = new System.Collections.Concurrent.ConcurrentQueue<Activity>();
        using var spans = new ActivityListener
        {
            ShouldListenTo = s => s.Name == StreamingDiagnostics.ActivitySourceName,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = activities.Enqueue,
        };
        ActivitySource.AddActivityListener(spans);
        using var folder = new TestFolder();
        await using WebApp app = await WebApp.StartAsync(folder["data"], s => s
            .AddStream<Order>("measured-orders", o => o.Customer)
            .AddOperator<Slower>(from: "measured-orders"));
        var values = new Dictionary<string, long>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, l) =>
            {
                if (instrument.Meter.Name == StreamingDiagnostics.MeterName && instrument.Meter.Scope == app.Services.GetRequiredService<IMeterFactory>())
                {
                    l.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, _, _) => values[instrument.Name] = value);
        listener.Start();
        await app.AcceptedAsync(app.PostAsync("/streams/measured-orders/events", """[{"customer":"ann","amount":1},{"customer":"bob","amount":1}]"""));
        await app.QuietAsync();
        listener.RecordObservableInstruments();
        values["streaming.events.ingested"].ShouldBe(2);
        values["streaming.turns"].ShouldBe(2);
        values["streaming.grains"].ShouldBe(2);
        values["streaming.silo.unflushed"].ShouldBe(0);
        values["streaming.silo.starts"].ShouldBe(1);
        values.Keys.ShouldContain("streaming.checkpoints");
        values.Keys.ShouldContain("streaming.rollbacks");
        values.Keys.ShouldContain("streaming.events.released");
        activities.ShouldContain(a => a.OperationName == "send measured-orders" && (int)a.GetTagItem("messaging.batch.message_count")! == 2);

        await app.KillAsync("silo0", torn: false);
        await app.UntilAsync(() => Task.FromResult(activities.Any(a => a.OperationName == "recover silo0" && (string?)a.GetTagItem("streaming.journal") == "silo0-1" && a.Status != ActivityStatusCode.Error)), "the recovery is traced");
        await app.QuietAsync();
        listener.RecordObservableInstruments();
        values["streaming.silo.starts"].ShouldBe(2);
        values["streaming.events.ingested"].ShouldBe(2);
    }

    public sealed class Slower : OperatorGrain<Totals>, IConsume<Order>
    {
        public ValueTask OnEvent(Order order, EventContext context)
        {
            State.Count++;
            return default;
        }
    }
}

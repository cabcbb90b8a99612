using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OrleansStreaming.Testing;

namespace OrleansStreaming.Docs.Tests.Examples.InCode;

public sealed record Order(string Customer, int Amount);

public sealed record Refund(string Customer, int Amount);

public sealed record Bill(string Customer, int Total);

public struct Total
{
    public int Orders;
    public int Amount;
}

public sealed class Customers : OperatorGrain<Total>, IConsume<Order>
{
    public ValueTask OnEvent(Order order, EventContext context)
    {
        State.Orders++;
        State.Amount += order.Amount;
        context.Emit("bills", new Bill(Key, State.Amount));
        return default;
    }
}

public sealed class Bills : OperatorGrain<Total>, IConsume<Bill>
{
    public ValueTask OnEvent(Bill bill, EventContext context)
    {
        State.Orders++;
        State.Amount = bill.Total;
        return default;
    }
}

internal static class Host
{
    public static WebApplication Build(string folder)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        #region options
        builder.AddStreaming(
            streaming => streaming
                .UseFiles(folder, files => files.SegmentSizeBytes = 16 << 20)
                .DefaultPartitions(4)
                .AddStream<Order>("orders", keyedBy: o => o.Customer)
                .AddStream<Order>("mixed", keyedBy: o => o.Customer, s => s.Also<Refund>(r => r.Customer))
                .AddStream<Bill>("bills", keyedBy: b => b.Customer)
                .AddOperator<Customers>(from: "orders", to: "bills")
                .AddOperator<Bills>(from: "bills"),
            options =>
            {
                options.Silos = 3;
                options.CheckpointEvery = TimeSpan.FromSeconds(1);
                options.RestartDelay = TimeSpan.FromMilliseconds(100);
            });
        #endregion

        WebApplication app = builder.Build();
        #region map
        app.MapStreaming();
        app.MapStreamingFaults(); // Only in tests and demonstrations.
        #endregion
        return app;
    }

    public static void BuildClosed(WebApplicationBuilder builder, string folder)
    {
        builder.AddStreaming(s => s.UseFiles(folder).AddStream<Order>("orders", o => o.Customer));
        builder.Services.AddAuthentication();
        builder.Services.AddAuthorization();
        builder.Services.AddHealthChecks().AddStreamingCheck();
        WebApplication app = builder.Build();
        #region authorisation
        app.MapStreaming("/streaming").RequireAuthorization();
        app.MapStreamingHealth("/streaming").AllowAnonymous();
        #endregion
    }

    public static async Task<string> PublishAsync(WebApplication app, CancellationToken cancellationToken)
    {
        #region publish
        StreamingEngine engine = app.Services.GetRequiredService<StreamingEngine>();
        Order[] orders = [new("ada", 3), new("bob", 4), new("ada", 5)];

        // Returns when the events are durable. Repeated with the same producer and sequence, it stores nothing twice.
        IngestAnswer answer = await engine.PublishAsync("orders", orders, producer: "shop-1", sequence: 1, cancellationToken);

        await engine.WhenQuietAsync(cancellationToken);
        GrainState? ada = await engine.GetStateAsync("Customers", "ada", stable: true, cancellationToken);
        #endregion
        return $"{answer.Outcome} {answer.Accepted} {System.Text.Encoding.UTF8.GetString(ada!.Json.Span)}";
    }

    public static async Task<long> KillAsync(WebApplication app, HttpClient client, CancellationToken cancellationToken)
    {
        #region kill
        StreamingEngine engine = app.Services.GetRequiredService<StreamingEngine>();
        Task<IngestAnswer> publishing = engine.PublishAsync("orders", [new Order("cleo", 7)], "shop-2", 1, cancellationToken);
        using HttpResponseMessage killed = await client.PostAsync("/faults/silos/silo1/kill?torn=true", null, cancellationToken);
        killed.EnsureSuccessStatusCode();
        await publishing;
        await engine.WhenQuietAsync(cancellationToken);
        GrainState? cleo = await engine.GetStateAsync("Customers", "cleo", stable: true, cancellationToken);
        IReadOnlyList<Rollback> rollbacks = engine.GetRollbacks();
        #endregion
        System.Text.Encoding.UTF8.GetString(cleo!.Json.Span).ShouldBe("""{"orders":1,"amount":7}""");
        return rollbacks.Count;
    }
}

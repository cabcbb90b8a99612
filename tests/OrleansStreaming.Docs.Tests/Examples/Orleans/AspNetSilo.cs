using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Hosting;
using Orleans.Hosting;

namespace OrleansStreaming.Docs.Tests.Examples.AspNetSilo;

public sealed record Order(string Customer, decimal Amount);

public struct Spent
{
    public decimal Amount;
}

public sealed class Spending : OperatorGrain<Spent>, IConsume<Order>
{
    public ValueTask OnEvent(Order order, EventContext context)
    {
        State.Amount += order.Amount;
        return default;
    }
}

internal static class Silo
{
    public static WebApplication Build(string[] args, string connectionString)
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
        builder.UseOrleans(silo => silo
            .UseStreamingClustering()
            .AddStreaming(streaming => streaming
                .UseAzureBlobs(connectionString)
                .AddStream<Order>("orders", keyedBy: o => o.Customer)
                .AddOperator<Spending>(from: "orders")));

        WebApplication app = builder.Build();
        app.MapStreaming();
        return app;
    }
}

using System.Text;
using Azure.Identity;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OrleansStreaming.Testing;

namespace OrleansStreaming.Docs.Tests.Examples.AzureBlobs;

public sealed record Order(string Customer, int Amount);

public struct Spent
{
    public int Amount;
}

public sealed class Spending : OperatorGrain<Spent>, IConsume<Order>
{
    public ValueTask OnEvent(Order order, EventContext context)
    {
        State.Amount += order.Amount;
        return default;
    }
}

internal static class Blobs
{
    public static void UseAzure(WebApplicationBuilder builder)
    {
        #region azure
        builder.AddStreaming(streaming => streaming
            .UseAzureBlobs(new Uri("https://myaccount.blob.core.windows.net"), new DefaultAzureCredential())
            .AddStream<Order>("orders", keyedBy: o => o.Customer));
        #endregion
    }

    public static async Task<string> PublishWhileItIsAwayAsync(string folder, CancellationToken cancellationToken)
    {
        #region azurite
        await using AzuriteServer azurite = await AzuriteServer.StartAsync(folder, cancellationToken);
        await using WebApplication app = Build(s => s.UseAzureBlobs(azurite.ConnectionString));
        await app.StartAsync(cancellationToken);
        StreamingEngine engine = app.Services.GetRequiredService<StreamingEngine>();
        Task<IngestAnswer> publishing = engine.PublishAsync("orders", [new Order("ada", 5)], cancellationToken);
        await azurite.StopAsync();       // Azure is away,
        await azurite.StartAgainAsync(); // and back, with all that it has confirmed.
        await publishing;
        #endregion
        await engine.WhenQuietAsync(cancellationToken);
        GrainState? ada = await engine.GetStateAsync("Spending", "ada", stable: true, cancellationToken);
        await app.StopAsync(cancellationToken);
        return Encoding.UTF8.GetString(ada!.Json.Span);
    }

    private static WebApplication Build(Func<StreamingBuilder, StreamingBuilder> storage)
    {
        WebApplicationBuilder builder = ExampleApp.CreateBuilder();
        builder.AddStreaming(s => storage(s).AddStream<Order>("orders", keyedBy: o => o.Customer).AddOperator<Spending>(from: "orders"));
        return builder.Build();
    }
}

using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Hosting;
using Orleans;
using Orleans.Hosting;
using Orleans.Runtime;
using Orleans.Streams;
using Orleans.Streams.Core;
using OrleansStreaming.Clustering;

namespace OrleansStreaming.Docs.Tests.Examples.Clustering;

#region implicit
[ImplicitStreamSubscription("orders")]
public sealed class CustomerGrain : Grain, IGrainWithStringKey, IStreamSubscriptionObserver
{
    public Task OnSubscribed(IStreamSubscriptionHandleFactory handleFactory) =>
        handleFactory.Create<Order>().ResumeAsync((order, token) => BillAsync(order));

    private static Task BillAsync(Order order) => Task.CompletedTask;
}
#endregion

internal static class Providers
{
    public static void Silo(WebApplicationBuilder builder, string connectionString)
    {
        #region provider
        builder.UseOrleans(silo => silo
            .UseStreamingClustering()
            .AddStreamingGrainStorage("PubSubStore")
            .AddStreaming(streaming => streaming
                .UseAzureBlobs(connectionString)
                .AddStream<Order>("orders", keyedBy: o => o.Customer))
            .AddStreamingProvider("events"));
        #endregion
    }

    public static void Client(WebApplicationBuilder builder, string connectionString)
    {
        #region providerclient
        builder.UseOrleansClient(client => client
            .UseStreamingClustering(storage => storage.UseAzureBlobs(connectionString))
            .AddStreamingProvider("events", streams => streams.AddStream<Order>("orders", keyedBy: o => o.Customer)));
        #endregion
    }

    public static async Task UseAsync(IClusterClient client)
    {
        #region subscribe
        IAsyncStream<Order> stream = client.GetStreamProvider("events").GetStream<Order>(StreamId.Create("orders", "alice"));
        await stream.OnNextAsync(new Order("alice", 5));
        await stream.SubscribeAsync((order, token) => Console.Out.WriteLineAsync($"{order} at {token}"), OffsetToken.Earliest);
        #endregion
    }
}

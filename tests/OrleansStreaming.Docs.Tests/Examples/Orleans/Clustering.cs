using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Hosting;
using Orleans.Hosting;

namespace OrleansStreaming.Docs.Tests.Examples.Clustering;

public sealed record Order(string Customer, int Amount);

internal static class Processes
{
    public static void Silo(WebApplicationBuilder builder, string connectionString)
    {
        #region silo
        builder.UseOrleans(silo => silo
            .UseStreamingClustering()
            .AddStreamingGrainStorage("PubSubStore")
            .AddStreaming(streaming => streaming
                .UseAzureBlobs(connectionString)
                .AddStream<Order>("orders", keyedBy: o => o.Customer)));
        #endregion
    }

    public static void Client(WebApplicationBuilder builder, string connectionString)
    {
        #region client
        builder.UseOrleansClient(client => client.UseStreamingClustering(storage => storage.UseAzureBlobs(connectionString)));
        #endregion
    }
}

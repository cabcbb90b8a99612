using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Orleans.Messaging;
using OrleansStreaming;
using OrleansStreaming.Clustering;

namespace Orleans.Hosting;

/// <summary>Keeps the members of a cluster in the storage that its streams are in.</summary>
public static class StreamingClusteringExtensions
{
    /// <summary>
    /// Lets silos find each other through the storage that the application streams to: one record per cluster id, nothing
    /// else is needed. A folder of <c>UseFiles</c> belongs to one process, so silos in several processes need <c>UseAzureBlobs</c>.
    /// </summary>
    /// <param name="builder">The silo.</param>
    /// <param name="storage">Chooses the storage, such as <c>s => s.UseAzureBlobs(connectionString)</c>; without it, that of <c>AddStreaming</c> is used.</param>
    public static ISiloBuilder UseStreamingClustering(this ISiloBuilder builder, Action<StreamingBuilder>? storage = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        AddMembershipStore(builder.Services, storage);
        builder.Services.AddSingleton<IMembershipTable, StreamingMembershipTable>();
        return builder;
    }

    /// <summary>
    /// Lets a client outside of the cluster find the cluster's gateways through the storage that its silos stream to. It only
    /// reads there. A folder of <c>UseFiles</c> belongs to one process, so a client in a process of its own needs <c>UseAzureBlobs</c>.
    /// </summary>
    /// <param name="builder">The client.</param>
    /// <param name="storage">Chooses the storage, the same as that of the silos; without it, the one that the process has configured is used.</param>
    public static IClientBuilder UseStreamingClustering(this IClientBuilder builder, Action<StreamingBuilder>? storage = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        AddMembershipStore(builder.Services, storage);
        builder.Services.AddSingleton<IGatewayListProvider, StreamingGatewayListProvider>();
        return builder;
    }

    private static void AddMembershipStore(IServiceCollection services, Action<StreamingBuilder>? storage)
    {
        storage?.Invoke(new StreamingBuilder(services));
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<SharedStorage>();
        services.TryAddSingleton<MembershipStore>();
    }
}

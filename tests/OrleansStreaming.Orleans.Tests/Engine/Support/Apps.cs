using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using OrleansStreaming.Core;

namespace OrleansStreaming.Clustering.Tests;

/// <summary>The services of an application that has configured a storage, as one of its processes has them.</summary>
internal static class Apps
{
    public static ServiceProvider With(StorageFactory storage, Action<IServiceCollection>? more = null)
    {
        var services = new ServiceCollection();
        services.AddLogging(logging => logging.ClearProviders());
        services.AddSingleton(storage);
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton<SharedStorage>();
        more?.Invoke(services);
        return services.BuildServiceProvider();
    }

    public static ServiceProvider With(IStorage storage, Action<IServiceCollection>? more = null) => With((_, _) => ValueTask.FromResult(storage), more);

    /// <summary>A process with a membership table and a list of gateways.</summary>
    public static ServiceProvider Clustered(StorageFactory storage, string clusterId = "test", Action<IServiceCollection>? more = null) => With(storage, services =>
    {
        services.Configure<ClusterOptions>(o => (o.ClusterId, o.ServiceId) = (clusterId, "service"));
        services.AddSingleton<MembershipStore>();
        services.AddSingleton<IMembershipTable, StreamingMembershipTable>();
        services.AddSingleton<StreamingGatewayListProvider>();
        more?.Invoke(services);
    });
}

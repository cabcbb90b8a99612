using System.Collections.Concurrent;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Configuration;
using Orleans.Hosting;
using Orleans.Runtime;
using Orleans.TestingHost;
using OrleansStreaming.Core;
using OrleansStreaming.Testing;

namespace OrleansStreaming.Clustering.Tests;

/// <summary>A cluster of silos in this process that has nothing but a storage, which outlives it.</summary>
internal sealed class StoredCluster : IAsyncDisposable
{
    private const string Key = "TestStorage";

    private static readonly ConcurrentDictionary<string, InMemoryStorage> Storages = new();

    private StoredCluster(InMemoryStorage data, TestCluster cluster)
    {
        Data = data;
        Cluster = cluster;
    }

    public InMemoryStorage Data { get; }

    public TestCluster Cluster { get; }

    public IGrainFactory Grains => Cluster.GrainFactory;

    /// <summary>Starts silos and a client on a storage.</summary>
    public static async Task<StoredCluster> StartAsync(InMemoryStorage data, short silos, string clusterId = "stored")
    {
        string key = Guid.NewGuid().ToString("N");
        Storages[key] = data;
        var builder = new TestClusterBuilder(silos);
        builder.Options.UseTestClusterMembership = false;
        builder.Options.ClusterId = clusterId;
        builder.Options.ServiceId = "stored";
        builder.Options.ConfigureFileLogging = false;
        builder.Properties[Key] = key;
        builder.AddSiloBuilderConfigurator<Silo>();
        builder.AddClientBuilderConfigurator<Client>();
        TestCluster cluster = builder.Build();
        await cluster.DeployAsync();
        return new StoredCluster(data, cluster);
    }

    /// <summary>The members as the storage has them.</summary>
    public async Task<IReadOnlyDictionary<SiloAddress, MemberStatus>> MembersAsync()
    {
        StoredRecord? record = await Data.ReadRecordAsync(MembershipRecord.NameOf(Cluster.Options.ClusterId), CancellationToken.None);
        return MembershipRecord.Parse(Cluster.Options.ClusterId, record).Silos.ToDictionary(row => SiloAddress.FromParsableString(row.Silo), row => row.SiloStatus);
    }

    public async Task WhenMembersAsync(Func<IReadOnlyDictionary<SiloAddress, MemberStatus>, bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!condition(await MembersAsync()))
        {
            await Task.Delay(20, limit.Token);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Cluster.StopAllSilosAsync();
        await Cluster.DisposeAsync();
    }

    private static InMemoryStorage StorageOf(IConfiguration configuration) => Storages[configuration[Key]!];

    private sealed class Silo : ISiloConfigurator
    {
        public void Configure(ISiloBuilder siloBuilder)
        {
            siloBuilder
                .UseStreamingClustering(storage => storage.UseMemory(StorageOf(siloBuilder.Configuration)))
                .AddStreamingGrainStorage("Carts")
                .AddStreamingGrainStorage("PubSubStore")
                .AddMemoryStreams("Memory");

            siloBuilder.Services.AddSingleton<IFatalErrorHandler, SiloCrash>();

            // A dead silo is to be noticed in seconds, and a slow machine is not to be taken for one.
            siloBuilder.Configure<ClusterMembershipOptions>(o =>
                (o.ProbeTimeout, o.NumMissedProbesLimit, o.NumVotesForDeathDeclaration, o.IAmAliveTablePublishTimeout) = (TimeSpan.FromSeconds(1), 3, 1, TimeSpan.FromMilliseconds(200)));
        }
    }

    private sealed class Client : IClientBuilderConfigurator
    {
        public void Configure(IConfiguration configuration, IClientBuilder clientBuilder) => clientBuilder
            .UseStreamingClustering(storage => storage.UseMemory(StorageOf(configuration)))
            .AddMemoryStreams("Memory")
            .Configure<GatewayOptions>(o => o.GatewayListRefreshPeriod = TimeSpan.FromMilliseconds(500));
    }
}

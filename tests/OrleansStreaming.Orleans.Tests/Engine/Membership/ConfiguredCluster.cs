using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using Orleans.Hosting;
using Orleans.Runtime;
using Orleans.TestingHost;
using OrleansStreaming.Embedded.Tests;
using OrleansStreaming.Testing;

namespace OrleansStreaming.Clustering.Tests;

/// <summary>
/// Silos as hosts of this process whose members are where the configuration of Orleans says, as the documentation writes it.
/// They reach each other through sockets, count clicks, and keep their streams in one storage.
/// </summary>
internal sealed class ConfiguredCluster : IAsyncDisposable
{
    private readonly List<IHost> _silos = [];
    private readonly TestClusterPortAllocator _ports = new();
    private readonly InMemoryStorage _storage = new();
    private readonly MemorySink<PageReport> _sink = new();
    private readonly IReadOnlyDictionary<string, string?> _settings;
    private int _published;

    private ConfiguredCluster(IReadOnlyDictionary<string, string?> settings) => _settings = settings;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public StreamingEngine Engine(int silo) => _silos[silo].Services.GetRequiredService<StreamingEngine>();

    /// <param name="silos">How many silos.</param>
    /// <param name="settings">Of the configuration: <c>Orleans</c> and what it names.</param>
    public static async Task<ConfiguredCluster> StartAsync(int silos, IReadOnlyDictionary<string, string?> settings)
    {
        var cluster = new ConfiguredCluster(settings);
        for (int i = 0; i < silos; i++)
        {
            cluster._silos.Add(cluster.Silo($"silo{i}"));
            await cluster._silos[i].StartAsync(Cancel);
        }

        await cluster.ReadyAsync();
        return cluster;
    }

    /// <summary>The names of the silos that a client finds, by the same configuration.</summary>
    public async Task<string[]> SeenByClientAsync()
    {
        HostApplicationBuilder builder = NewHost();
        builder.UseOrleansClient();
        using IHost client = builder.Build();
        await client.StartAsync(Cancel);
        MembershipEntry[] silos = await client.Services.GetRequiredService<IClusterClient>().GetGrain<IManagementGrain>(0).GetDetailedHosts(onlyActive: true);
        await client.StopAsync(Cancel);
        return [.. silos.Select(silo => silo.SiloName).Order(StringComparer.Ordinal)];
    }

    /// <summary>Publishes on the first silo, in requests that a repeat of would store nothing twice.</summary>
    public async Task PublishAsync(int count)
    {
        for (int left = count; left > 0; left -= 100)
        {
            Click[] next = ClickCounting.Clicks(_published, 100);
            IngestAnswer answer = await Engine(0).PublishAsync("clicks", next, "clicks", _published + 1, Cancel);
            answer.Outcome.ShouldBe(IngestOutcome.Durable);
            _published += next.Length;
        }
    }

    /// <summary>As a crash, as far as one process can imitate it.</summary>
    public async Task KillAsync(int silo)
    {
        using IHost killed = _silos[silo];
        _silos.RemoveAt(silo);
        await killed.StopAsync(new CancellationToken(canceled: true)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public async Task AddAsync(string name)
    {
        _silos.Add(Silo(name));
        await _silos[^1].StartAsync(Cancel);
        await ReadyAsync();
    }

    /// <summary>Every click has been counted once, and every report is there once.</summary>
    public async Task ShouldMatchAsync()
    {
        await StreamingCluster.UntilAsync(
            async () =>
            {
                await Task.WhenAll(Enumerable.Range(0, _silos.Count).Select(i => Engine(i).WhenQuietAsync(Cancel)));
                return _sink.Events.Count >= _published;
            },
            "all clicks are reported");
        await ClickCounting.ShouldMatchAsync(StatesAsync, _sink, ClickCounting.Clicks(0, _published));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (IHost silo in _silos)
        {
            await silo.StopAsync(CancellationToken.None);
            silo.Dispose();
        }

        await _storage.DisposeAsync();
    }

    private async Task<Dictionary<string, string>> StatesAsync(string @operator)
    {
        var states = new Dictionary<string, string>();
        await foreach (GrainState state in Engine(0).GetStatesAsync(@operator, stable: true, Cancel))
        {
            states.Add(state.Key, System.Text.Encoding.UTF8.GetString(state.Json.Span));
        }

        return states;
    }

    private Task ReadyAsync() => StreamingCluster.UntilAsync(
        async () => (await Task.WhenAll(Enumerable.Range(0, _silos.Count).Select(i => Engine(i).GetHealthAsync()))).All(h => h.Ready), "all silos are ready");

    private HostApplicationBuilder NewHost()
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Configuration.AddInMemoryCollection(_settings);
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        return builder;
    }

    private IHost Silo(string name)
    {
        (int siloPort, int gatewayPort) = _ports.AllocateConsecutivePortPairs(1);
        HostApplicationBuilder builder = NewHost();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Orleans:Name"] = name,
            ["Orleans:Endpoints:AdvertisedIPAddress"] = "127.0.0.1",
            ["Orleans:Endpoints:SiloPort"] = $"{siloPort}",
            ["Orleans:Endpoints:GatewayPort"] = $"{gatewayPort}",
        });
        builder.UseOrleans(silo =>
        {
            silo.Services.AddSingleton<IFatalErrorHandler, SiloCrash>();
            silo.Configure<ClusterMembershipOptions>(o => (o.ProbeTimeout, o.NumMissedProbesLimit, o.NumVotesForDeathDeclaration) = (TimeSpan.FromSeconds(1), 3, 1));
            silo.AddStreaming(
                streaming => ClickCounting.Topology(streaming.UseMemory(_storage), _sink),
                o => (o.RestartDelay, o.CheckpointEvery) = (TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(100)));
        });
        return builder.Build();
    }
}

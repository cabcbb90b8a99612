using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using Orleans.Hosting;
using Orleans.TestingHost;
using OrleansStreaming.Core;

namespace OrleansStreaming.Clustering.Tests;

/// <summary>Silos of an Orleans cluster in this process, each with the engine, on one storage.</summary>
internal sealed class StreamingCluster : IAsyncDisposable
{
    private readonly InProcessTestCluster _cluster;

    private StreamingCluster(InProcessTestCluster cluster, IStorage storage)
    {
        _cluster = cluster;
        Storage = storage;
    }

    public static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public IStorage Storage { get; }

    public IReadOnlyList<InProcessSiloHandle> Silos => _cluster.Silos;

    public IClusterClient Client => _cluster.Client;

    /// <param name="silos">How many silos it begins with.</param>
    /// <param name="storage">Stays the caller's.</param>
    /// <param name="topology">What all silos declare.</param>
    /// <param name="options">Options of the engine.</param>
    /// <param name="silo">What else a silo has.</param>
    public static async Task<StreamingCluster> StartAsync(
        short silos, IStorage storage, Action<StreamingBuilder> topology, Action<StreamingOptions>? options = null, Action<ISiloBuilder>? silo = null)
    {
        var builder = new InProcessTestClusterBuilder(silos);
        builder.ConfigureSilo((_, orleans) =>
        {
            orleans.Services.AddSingleton<StorageFactory>((_, _) => ValueTask.FromResult<IStorage>(
                storage is ILosesTails tails ? new StorageLease.WithTails(storage, tails, static _ => { }) : new StorageLease(storage, static _ => { })));
            orleans.Configure<ClusterMembershipOptions>(o =>
            {
                o.ProbeTimeout = TimeSpan.FromSeconds(2); // A silo that is declared dead takes the process down: not because the machine is busy.
            });
            orleans.AddStreaming(topology, o =>
            {
                o.RestartDelay = TimeSpan.FromMilliseconds(50);
                o.DrainTimeout = TimeSpan.FromSeconds(15);
                o.CheckpointEvery = TimeSpan.FromMilliseconds(100);
                options?.Invoke(o);
            });
            silo?.Invoke(orleans);
        });
        builder.ConfigureHost(host =>
        {
            host.Logging.SetMinimumLevel(LogLevel.Warning);
            if (Environment.GetEnvironmentVariable("CLUSTER_LOG") is not null)
            {
                host.Logging.AddFilter("OrleansStreaming", LogLevel.Information).AddSimpleConsole(c => { c.SingleLine = true; c.TimestampFormat = "ss.fff "; });
            }
        });
        InProcessTestCluster cluster = builder.Build();
        await cluster.DeployAsync();
        var started = new StreamingCluster(cluster, storage);
        await started.ReadyAsync();
        return started;
    }

    public StreamingEngine Engine(int index) => EngineOf(Silos[index]);

    public static StreamingEngine EngineOf(InProcessSiloHandle silo) => silo.ServiceProvider.GetRequiredService<StreamingEngine>();

    /// <summary>Every silo serves its part and knows who serves the others.</summary>
    public Task ReadyAsync() => UntilAsync(
        async () => (await Task.WhenAll(Silos.Select(s => EngineOf(s).GetHealthAsync()))).All(h => h.Ready), "all silos are ready");

    public async Task<InProcessSiloHandle> AddSiloAsync()
    {
        InProcessSiloHandle added = await _cluster.StartAdditionalSiloAsync();
        await ReadyAsync();
        return added;
    }

    /// <summary>As a crash, as far as one process can imitate it.</summary>
    public Task KillAsync(InProcessSiloHandle silo) => _cluster.KillSiloAsync(silo);

    public Task StopAsync(InProcessSiloHandle silo) => _cluster.StopSiloAsync(silo);

    public Task StopAllAsync() => _cluster.StopAllSilosAsync();

    /// <summary>Everything that came in has been processed and released, everywhere.</summary>
    public async Task QuietAsync()
    {
        long before = -1;
        await UntilAsync(
            async () =>
            {
                using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
                limit.CancelAfter(TimeSpan.FromSeconds(20));
                await Task.WhenAll(Silos.Select(s => EngineOf(s).WhenQuietAsync(limit.Token)));
                long work = Silos.Sum(s => EngineOf(s).GetTotals().Events + EngineOf(s).GetTotals().Released);
                bool same = work == before; // What one sends last may be what another begins with.
                before = work;
                return same;
            },
            "all silos are quiet");
    }

    /// <summary>All states of an operator, as any silo tells them.</summary>
    public async Task<Dictionary<string, string>> StatesAsync(string @operator)
    {
        var states = new Dictionary<string, string>();
        await foreach (GrainState state in Engine(0).GetStatesAsync(@operator, stable: true, Cancel))
        {
            states.Add(state.Key, Encoding.UTF8.GetString(state.Json.Span));
        }

        return states;
    }

    /// <summary>Waits until something holds, at most two minutes: disks of machines that test stand still for half of one.</summary>
    public static async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        limit.CancelAfter(TimeSpan.FromMinutes(2));
        while (!await condition())
        {
            if (limit.IsCancellationRequested)
            {
                throw new TimeoutException($"not seen within two minutes: {what}");
            }

            await Task.Delay(10, CancellationToken.None);
        }
    }

    public async ValueTask DisposeAsync() => await _cluster.DisposeAsync();
}

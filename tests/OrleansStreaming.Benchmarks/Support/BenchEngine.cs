using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OrleansStreaming.Core;
using OrleansStreaming.Engine;
using OrleansStreaming.Storage.Azure;
using OrleansStreaming.Storage.Files;

namespace OrleansStreaming.Benchmarks;

/// <summary>A host with the embedded engine on a folder.</summary>
internal sealed class BenchEngine : IAsyncDisposable
{
    private readonly IHost _host;
    private MeasuredStorage? _storage;

    private BenchEngine(IHost host)
    {
        _host = host;
        Engine = host.Services.GetRequiredService<StreamingEngine>();
    }

    public StreamingEngine Engine { get; }

    /// <summary>Turns that took effect in the running silos. Asked for all the time, hence allocates nothing.</summary>
    public long Turns
    {
        get
        {
            long sum = 0;
            for (int i = 0; i < Engine.Hosts.Count; i++)
            {
                sum += Engine.Hosts[i].Current?.Silo.Counters.Events ?? 0;
            }

            return sum;
        }
    }

    /// <summary>Bytes that are durable in the journals of the running silos.</summary>
    public long JournalBytes => Engine.Hosts.Sum(h => h.Current?.Silo.Counters.JournalBytes ?? 0);

    /// <summary>Bytes of checkpoints that the running silos have written.</summary>
    public long CheckpointBytes => Engine.Hosts.Sum(h => h.Current?.Silo.Counters.CheckpointBytes ?? 0);

    /// <summary>Bytes of merged checkpoints that the running silos have written.</summary>
    public long MergedBytes => Engine.Hosts.Sum(h => h.Current?.Silo.Counters.MergedBytes ?? 0);

    /// <summary>Checkpoints of partitions that the running silos have committed.</summary>
    public long Checkpoints => Engine.Hosts.Sum(h => h.Current?.Silo.Counters.Checkpoints ?? 0);

    /// <summary>What the running silos say that checkpoints and merging them have taken, microseconds.</summary>
    public long CheckpointMicros => Engine.Hosts.Sum(h => h.Current?.Silo.Counters.CheckpointMicros ?? 0);

    /// <summary>All appends to journals.</summary>
    public IReadOnlyList<Commit> Commits => _storage!.Commits;

    /// <summary>All requests to blob storage; null when the state is in files.</summary>
    public BlobRequests? Requests => _storage!.Inner is AzureBlobStorage blobs ? new BlobRequests(blobs.GetRequestCounts()) : null;

    /// <summary>Starts an engine on a folder of its own.</summary>
    public static async Task<BenchEngine> StartAsync(string folder, Action<StreamingBuilder> topology, PipelineOptions options, CancellationToken cancellationToken)
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.AddSimpleConsole(c => c.SingleLine = true).SetMinimumLevel(LogLevel.Error);
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>(); // Ctrl-C belongs to the scenario.
        builder.AddStreaming(s => topology(options.Azurite?.Use(s, folder) ?? s.UseFiles(folder, options.Files)), o =>
        {
            o.Silos = options.Silos;
            o.MaxUnflushedBytes = 256 << 20;
            options.Engine?.Invoke(o);
        });
        MeasuredStorage? storage = null;
        var chosen = (StorageFactory)builder.Services.Single(s => s.ServiceType == typeof(StorageFactory)).ImplementationInstance!;
        builder.Services.Replace(ServiceDescriptor.Singleton<StorageFactory>(async (services, cancel) => storage = new MeasuredStorage(await chosen(services, cancel))));
        IHost host = builder.Build();
        var bench = new BenchEngine(host);
        bench.Engine.Probe = options.Probe;
        bench.Engine.Tune = options.Tune ?? bench.Engine.Tune;
        try
        {
            await host.StartAsync(cancellationToken);
            bench._storage = storage;
            await bench.WhenSettledAsync(cancellationToken);
            return bench;
        }
        catch
        {
            await bench.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits until every silo serves the partitions that belong to it.</summary>
    public async Task WhenSettledAsync(CancellationToken cancellationToken)
    {
        int all = Engine.Topology.Streams.Sum(s => s.PartitionCount), silos = Engine.Hosts.Count;
        while (true)
        {
            int[] counts = await Task.WhenAll(Engine.Hosts.Select(h => h.AskAsync(s => s.IsQuiet && !s.Ownerships.Loading ? s.Ownerships.Active.Count : 0)));
            if (counts.Sum() == all && counts.All(c => c >= all / silos))
            {
                return;
            }

            await Task.Delay(1, cancellationToken);
        }
    }

    /// <summary>Waits, to the millisecond, until something is reached and everything is durable, processed and released. A silo that is away has nothing to do.</summary>
    public async Task WhenDoneAsync(Func<bool> reached, CancellationToken cancellationToken)
    {
        while (!reached() || !(await Task.WhenAll(Engine.Hosts.Where(h => h.Current is not null).Select(h => h.AskAsync(s => s.IsQuiet && !s.Ownerships.Loading)))).All(quiet => quiet))
        {
            await Task.Delay(5, cancellationToken); // Seldom enough that the looking itself is not measured.
        }
    }

    /// <summary>Checkpoints everything now; returns how many bytes that took.</summary>
    public async Task<long> CheckpointAsync(CancellationToken cancellationToken)
    {
        long before = CheckpointBytes;
        while (!(await Task.WhenAll(Engine.Hosts.Select(h => h.AskAsync(s => s.CheckpointAll())))).All(clean => clean))
        {
            await Task.Delay(1, cancellationToken);
        }

        return CheckpointBytes - before;
    }

    /// <summary>Ends gracefully: everything is checkpointed, nothing is left to recover.</summary>
    public Task StopAsync(CancellationToken cancellationToken) => Engine.StopAsync(cancellationToken);

    /// <summary>Ends as a crash would: nothing of the folder is needed any more.</summary>
    public async ValueTask DisposeAsync()
    {
        await Engine.DisposeAsync();
        _host.Dispose();
    }

    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}

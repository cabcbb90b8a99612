using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using OrleansStreaming.Core;
using OrleansStreaming.Engine;
using OrleansStreaming.Topologies;

namespace OrleansStreaming;

/// <summary>
/// The engine of this process: its silos, each a failure domain with its own journal, and the way to those of other
/// processes, if there are any. Thread-safe. Made by <c>AddStreaming</c>; starts and stops with the host.
/// </summary>
public sealed partial class StreamingEngine : IAsyncDisposable
{
    private readonly Func<CancellationToken, ValueTask<IStorage>> _openStorage;
    private readonly IServiceProvider _services;
    private readonly ICluster _cluster;
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<SourceRunner> _sources = [];
    private readonly SealWatch _seals;
    private SiloHost[] _hosts = [];
    private IReadOnlyList<string> _retiredPartitions = [];
    private IStorage? _storage;
    private volatile int _started;

    internal StreamingEngine(
        Topology topology,
        StreamingOptions options,
        ICluster cluster,
        Func<CancellationToken, ValueTask<IStorage>> openStorage,
        IServiceProvider services,
        ILoggerFactory loggers,
        TimeProvider time)
    {
        Stopping = _stopping.Token;
        Topology = topology;
        Options = options;
        _cluster = cluster;
        _openStorage = openStorage;
        _services = services;
        _loggers = loggers;
        _logger = loggers.CreateLogger("OrleansStreaming.Engine");
        _time = time;
        _seals = new SealWatch(cancel => Storage.ReadRecordAsync(ClusterRecord.RecordName, cancel), time, Stopping);
    }

    /// <summary>The options in force.</summary>
    public StreamingOptions Options { get; }

    /// <summary>Completes when every source has reached its end and its events are stored; never when a source has no end.</summary>
    public Task SourcesCompleted => Task.WhenAll(_sources.Select(s => s.Completion));

    internal Topology Topology { get; }

    /// <summary>What watches each incarnation of a silo, by the silo's name. Only benchmarks set it, before the start.</summary>
    internal Func<string, SiloProbe>? Probe { get; set; }

    /// <summary>Changes limits of the silos that have no option. Only benchmarks set it, before the start.</summary>
    internal Func<SiloOptions, SiloOptions> Tune { get; set; } = static options => options;

    internal string Deployment { get; private set; } = string.Empty;

    internal IReadOnlyList<SiloHost> Hosts => _hosts;

    internal ICluster Cluster => _cluster;

    internal LoopWatchdog Watchdog => field ??= new LoopWatchdog(this);

    internal IStorage Storage => _storage ?? throw new InvalidOperationException("The engine has not been started.");

    internal IServiceProvider Services => _services;

    internal ILoggerFactory Loggers => _loggers;

    internal TimeProvider Time => _time;

    /// <summary>Kept, as a silo that ends late may ask for it when its source has been disposed.</summary>
    internal CancellationToken Stopping { get; }

    /// <summary>Opens storage, checks the topology against the stored deployment, seals what an earlier process left, and starts the silos and sources.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="DeploymentMismatchException">The topology does not fit what is stored; says every difference.</exception>
    /// <exception cref="StorageException">Storage cannot be used; says which and why.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _started, 1) != 0)
        {
            return;
        }

        try
        {
            await OpenAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            // Nothing runs yet: there is nothing to wait for, and the next start finds storage free.
            _started = 2;
            await _stopping.CancelAsync().ConfigureAwait(false);
            if (_storage is not null)
            {
                await _storage.DisposeAsync().ConfigureAwait(false);
            }

            throw;
        }

        _hosts = [.. _cluster.LocalSilos.Select(name => new SiloHost(this, name))];
        foreach (SiloHost host in _hosts)
        {
            host.Start();
        }

        Watchdog.Start();

        foreach (SourceDefinition source in Topology.Sources)
        {
            SourceRunner runner = SourceRunner.Create(this, source);
            _sources.Add(runner);
            runner.Start();
        }
    }

    /// <summary>Stops the sources, lets the silos process and checkpoint what there is, gives all partitions up, and stops: nothing is left to recover.</summary>
    /// <param name="cancellationToken">Stops at once instead; the next start recovers.</param>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _started, 2) != 1)
        {
            return;
        }

        foreach (SourceRunner source in _sources)
        {
            await source.StopAsync().ConfigureAwait(false);
        }

        await DrainAsync(cancellationToken).ConfigureAwait(false);
        await _stopping.CancelAsync().ConfigureAwait(false);
        await Watchdog.Completion.ConfigureAwait(false);
        foreach (SiloHost host in _hosts)
        {
            await host.StopAsync().ConfigureAwait(false);
        }

        await _cluster.DisposeAsync().ConfigureAwait(false);
        if (_storage is not null)
        {
            await _storage.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await StopAsync(new CancellationToken(canceled: true)).ConfigureAwait(false);
        _stopping.Dispose();
    }

    /// <summary>Waits until everything that has come in is processed, released and stable.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task WhenQuietAsync(CancellationToken cancellationToken)
    {
        long before = -1;
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            (bool Quiet, long Work)[] silos = await Task.WhenAll(_hosts.Select(h => h.AskAsync(
                s => (s.IsQuiet && !s.Ownerships.Loading, s.Counters.Events + s.Counters.Released + s.Journal.NextLsn)))).ConfigureAwait(false);
            long work = silos.Sum(s => s.Work);
            if (silos.All(s => s.Quiet) && AllServed && work == before)
            {
                return;
            }

            before = silos.All(s => s.Quiet) ? work : -1;
            await Task.Delay(TimeSpan.FromMilliseconds(10), _time, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task OpenAsync(CancellationToken cancellationToken)
    {
        _storage = await _openStorage(cancellationToken).ConfigureAwait(false);
        DeploymentManifest manifest = await DeploymentRecord.MergeAsync(_storage, Topology, _logger, cancellationToken).ConfigureAwait(false);
        Deployment = manifest.Deployment;
        _retiredPartitions = [.. manifest.Streams.Where(e => e.Retired).SelectMany(e => Enumerable.Range(0, e.Partitions).Select(p => $"{e.Name}-{p}"))];
        ClusterRecord cluster = ClusterRecord.Parse(await _storage.ReadRecordAsync(ClusterRecord.RecordName, cancellationToken).ConfigureAwait(false));
        await _cluster.StartAsync(this, cluster, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Kills a silo as a crash would: its memory is gone and its un-flushed tail is cut. It starts again after <see cref="StreamingOptions.RestartDelay"/>.</summary>
    internal Task<long> KillAsync(string silo, bool torn) => FindHost(silo).KillAsync(torn);

    internal bool TryFindHost(string silo, [NotNullWhen(true)] out SiloHost? host)
    {
        host = Array.Find(_hosts, h => h.Name == silo);
        return host is not null;
    }

    private SiloHost FindHost(string silo) =>
        TryFindHost(silo, out SiloHost? host)
            ? host
            : throw new ArgumentException($"There is no silo '{silo}'; there are {string.Join(", ", _hosts.Select(h => h.Name))}.", nameof(silo));
}

using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans;
using Orleans.Configuration;
using Orleans.Hosting;
using Orleans.Runtime;
using System.Net;
using System.Net.Sockets;

namespace OrleansStreaming.Benchmarks;

/// <summary>One way to count and sum by key on an Orleans cluster whose silos are all in this process.</summary>
internal abstract class Contender : IAsyncDisposable
{
    private readonly List<IHost> _hosts = [];

    public abstract string Name { get; }

    /// <summary>Events whose effect is in a grain's state.</summary>
    public virtual long Processed => Done.Count;

    /// <summary>Grains in memory.</summary>
    public virtual long Resident => 0;

    protected IReadOnlyList<IHost> Hosts => _hosts;

    /// <summary>Starts silos that know each other.</summary>
    public async Task StartAsync(int silos, CancellationToken cancellationToken)
    {
        Done.Reset();
        string cluster = Guid.NewGuid().ToString("n");
        var primary = new IPEndPoint(IPAddress.Loopback, FreePort());
        for (int i = 0; i < silos; i++)
        {
            HostApplicationBuilder builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
            builder.Logging.AddSimpleConsole(c => c.SingleLine = true).SetMinimumLevel(LogLevel.Critical);
            builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
            int port = i == 0 ? primary.Port : FreePort(), place = i;
            builder.UseOrleans(silo =>
            {
                silo.UseLocalhostClustering(port, FreePort(), primary, cluster, cluster);
                silo.Configure<SiloOptions>(o => o.SiloName = $"silo{place}");
                silo.Configure<SiloMessagingOptions>(o => o.ResponseTimeout = TimeSpan.FromMinutes(2));
                Configure(silo);
            });
            IHost host = builder.Build();
            _hosts.Add(host);
            await host.StartAsync(cancellationToken);
        }

        await StartedAsync(cancellationToken);
    }

    /// <summary>Hands over one event, or as many as it takes at once; returns how many.</summary>
    public abstract Task<int> SendAsync(long number, WorkKeys keys, int most, bool timed, CancellationToken cancellationToken);

    /// <summary>How many calls of <see cref="SendAsync"/> run at once.</summary>
    public virtual int Senders => 256;

    /// <summary>How many events one call takes.</summary>
    public virtual int AtOnce => 1;

    /// <summary>How many events may be handed over and not processed.</summary>
    public virtual int MaxAhead => 50_000;

    public async ValueTask DisposeAsync()
    {
        foreach (IHost host in Enumerable.Reverse(_hosts))
        {
            using var atOnce = new CancellationTokenSource(TimeSpan.FromSeconds(10));
            try
            {
                await host.StopAsync(atOnce.Token);
            }
            catch (Exception e) when (e is OperationCanceledException or OrleansException or AggregateException)
            {
                // Its results are known.
            }

            host.Dispose();
        }
    }

    protected abstract void Configure(ISiloBuilder silo);

    protected virtual Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}

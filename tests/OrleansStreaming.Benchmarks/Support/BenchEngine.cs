using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OrleansStreaming.Embedded;
using OrleansStreaming.Storage.Files;

namespace OrleansStreaming.Benchmarks;

/// <summary>A host with the embedded engine on a folder.</summary>
internal sealed class BenchEngine : IAsyncDisposable
{
    private readonly IHost _host;

    private BenchEngine(IHost host)
    {
        _host = host;
        Engine = host.Services.GetRequiredService<StreamingEngine>();
    }

    public StreamingEngine Engine { get; }

    /// <summary>Turns that took effect.</summary>
    public long Turns => Engine.Hosts.Sum(h => h.Totals.Events);

    /// <summary>Bytes that are durable in the journals of the running silos.</summary>
    public long JournalBytes => Engine.Hosts.Sum(h => h.Current?.Silo.Counters.JournalBytes ?? 0);

    public static async Task<BenchEngine> StartAsync(
        string folder, Action<StreamingBuilder> topology, Action<StreamingOptions> options, Action<FileStorageOptions>? files, CancellationToken cancellationToken)
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.AddSimpleConsole(c => c.SingleLine = true).SetMinimumLevel(LogLevel.Error);
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>(); // Ctrl-C belongs to the scenario.
        builder.AddStreaming(s => topology(s.UseFiles(folder, files)), options);
        IHost host = builder.Build();
        await host.StartAsync(cancellationToken);
        return new BenchEngine(host);
    }

    /// <summary>Waits, to the millisecond, until a number of turns is reached and everything is durable, processed and released.</summary>
    public async Task WhenDoneAsync(Func<bool> reached, CancellationToken cancellationToken)
    {
        while (!reached() || !(await Task.WhenAll(Engine.Hosts.Select(h => h.AskAsync(s => s.IsQuiet)))).All(quiet => quiet))
        {
            await Task.Delay(1, cancellationToken);
        }
    }

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

using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OrleansStreaming.Storage.Files;

namespace OrleansStreaming.Embedded.Tests;

/// <summary>An application with the embedded engine on a folder of its own.</summary>
internal sealed class TestApp : IAsyncDisposable
{
    private readonly IHost _host;

    private TestApp(IHost host, LogLines log)
    {
        _host = host;
        Log = log;
        Engine = host.Services.GetRequiredService<StreamingEngine>();
    }

    public StreamingEngine Engine { get; }

    public LogLines Log { get; }

    public IServiceProvider Services => _host.Services;

    public static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static Task<TestApp> StartAsync(
        string folder,
        Action<StreamingBuilder> topology,
        Action<StreamingOptions>? options = null,
        Action<FileStorageOptions>? files = null,
        Action<IServiceCollection>? services = null) => StartAsync(
            s => topology(s.UseFiles(folder, o =>
            {
                o.SegmentSizeBytes = 1 << 20;
                files?.Invoke(o);
            })),
            options,
            services);

    /// <summary>On whatever storage the topology names.</summary>
    public static async Task<TestApp> StartAsync(Action<StreamingBuilder> topology, Action<StreamingOptions>? options = null, Action<IServiceCollection>? services = null)
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        var log = new LogLines();
        builder.Logging.AddProvider(log).SetMinimumLevel(LogLevel.Debug);
        services?.Invoke(builder.Services);
        builder.AddStreaming(
            topology,
            o =>
            {
                o.RestartDelay = TimeSpan.FromMilliseconds(50);
                o.CheckpointEvery = TimeSpan.FromMilliseconds(100);
                options?.Invoke(o);
            });
        IHost host = builder.Build();
        await host.StartAsync(Cancel);
        return new TestApp(host, log);
    }

    /// <summary>Everything that came in has been processed and released.</summary>
    public Task QuietAsync() => WithLimit(Engine.WhenQuietAsync);

    public async Task<Dictionary<string, string>> StatesAsync(string @operator)
    {
        var states = new Dictionary<string, string>();
        await foreach (GrainState state in Engine.GetStatesAsync(@operator, stable: true, Cancel))
        {
            states.Add(state.Key, System.Text.Encoding.UTF8.GetString(state.Json.Span));
        }

        return states;
    }

    /// <summary>Kills a silo that runs; returns how many records it had appended and not made durable.</summary>
    public async Task<long> KillAsync(string silo, bool torn = false)
    {
        await UntilAsync(async () => await Engine.Hosts.First(h => h.Name == silo).AskAsync(s => s.Phase == Core.SiloPhase.Running), $"{silo} runs");
        return await Engine.KillAsync(silo, torn);
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

            await Task.Yield();
        }
    }

    /// <summary>Stops gracefully.</summary>
    public async Task StopAsync() => await _host.StopAsync(Cancel);

    /// <summary>Ends without a graceful stop, as far as one process can imitate it.</summary>
    public async ValueTask DisposeAsync()
    {
        await Engine.DisposeAsync();
        _host.Dispose();
    }

    private async Task WithLimit(Func<CancellationToken, Task> action)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        limit.CancelAfter(TimeSpan.FromSeconds(40));
        try
        {
            await action(limit.Token);
        }
        catch (OperationCanceledException) when (!Cancel.IsCancellationRequested)
        {
            EngineHealth health = await Engine.GetHealthAsync();
            throw new TimeoutException($"not quiet: {string.Join("; ", health.Problems)}\n{string.Join('\n', await DescribeAsync())}\n{string.Join('\n', Log.Lines.TakeLast(30))}");
        }
    }

    private Task<string[]> DescribeAsync() => Task.WhenAll(Engine.Hosts.Select(h => h.AskAsync(s =>
        $"{s.Name}: {s.Phase} R{s.SealVersion} unflushed {s.Journal.HasUnflushed} outbox {s.Outbox.Waiting} [{string.Join(", ", s.Outbox.Waits)}] loading {s.Ownerships.Loading} "
        + string.Join(", ", s.Ownerships.Active.Where(p => p.HasWork).Select(p => $"{p.Name} cursor {string.Join('/', p.Hosts.Select(h => h.CursorOffset))} of {p.Log.LastOffset} sinks {string.Join('/', p.Sinks.Select(k => k.Phase + "@" + k.Position))}")))));
}

/// <summary>Keeps what was logged.</summary>
internal sealed class LogLines : ILoggerProvider, ILogger
{
    private readonly List<string> _lines = [];

    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_lines)
            {
                return [.. _lines];
            }
        }
    }

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lock (_lines)
        {
            _lines.Add($"{eventId.Id} {logLevel}: {formatter(state, exception)} {exception}");
        }
    }

    public void Dispose()
    {
    }
}

/// <summary>A folder that goes away.</summary>
internal sealed class TestFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("orleansstreaming-").FullName;

    public string this[string name] => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OrleansStreaming.Testing;

namespace OrleansStreaming.Docs.Tests;

/// <summary>A web application that runs an example, on a folder of its own and a real server on some port.</summary>
internal sealed class ExampleApp : IAsyncDisposable
{
    private readonly WebApplication _app;

    private ExampleApp(WebApplication app)
    {
        _app = app;
        Engine = app.Services.GetRequiredService<StreamingEngine>();
        Http = new HttpClient { BaseAddress = new Uri(app.Urls.First()), Timeout = TimeSpan.FromSeconds(40) };
    }

    public static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public StreamingEngine Engine { get; }

    public HttpClient Http { get; }

    public WebApplication Web => _app;

    public static Task<ExampleApp> StartAsync(string folder, Func<StreamingBuilder, StreamingBuilder> topology, int silos = 3, Action<IServiceCollection>? services = null)
    {
        WebApplicationBuilder builder = CreateBuilder();
        services?.Invoke(builder.Services);
        builder.AddStreaming(
            s => topology(s.DefaultPartitions(3).UseFiles(folder, f =>
            {
                f.SegmentSizeBytes = 1 << 20;
                f.FlushDelay = TimeSpan.FromMilliseconds(3); // So that a kill loses something.
            })),
            o =>
            {
                o.Silos = silos;
                o.RestartDelay = TimeSpan.FromMilliseconds(50);
                o.CheckpointEvery = TimeSpan.FromMilliseconds(100);
            });
        return StartAsync(builder);
    }

    public static WebApplicationBuilder CreateBuilder()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        return builder;
    }

    public static Task<ExampleApp> StartAsync(WebApplicationBuilder builder)
    {
        WebApplication app = builder.Build();
        app.MapStreaming();
        app.MapStreamingFaults();
        return StartAsync(app);
    }

    public static async Task<ExampleApp> StartAsync(WebApplication app)
    {
        await app.StartAsync(Cancel);
        var example = new ExampleApp(app);
        await UntilAsync(async () => (await example.Engine.GetHealthAsync()).Ready, "the engine is ready");
        return example;
    }

    /// <summary>Publishes rounds of events as one producer, and kills a silo in the middle of each but the first.</summary>
    public async Task PublishWithKillsAsync<TEvent>(string stream, string producer, params IEnumerable<TEvent>[] rounds)
    {
        for (int i = 0; i < rounds.Length; i++)
        {
            Task<IngestAnswer> published = Engine.PublishAsync(stream, rounds[i], producer, i + 1, Cancel);
            if (i > 0)
            {
                await KillAsync($"silo{i % 3}");
            }

            (await published).Outcome.ShouldBe(IngestOutcome.Durable);
        }
    }

    public async Task KillAsync(string silo)
    {
        await UntilAsync(async () => (await Engine.GetSilosAsync()).Any(s => s.Name == silo && s.State == "running"), $"{silo} runs");
        using HttpResponseMessage response = await Http.PostAsync($"/faults/silos/{silo}/kill", null, Cancel);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    /// <summary>Waits until everything that came in has been processed and released.</summary>
    public async Task QuietAsync()
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        limit.CancelAfter(TimeSpan.FromMinutes(2));
        try
        {
            await Engine.WhenQuietAsync(limit.Token);
        }
        catch (OperationCanceledException) when (!Cancel.IsCancellationRequested)
        {
            throw new TimeoutException($"not quiet: {string.Join("; ", (await Engine.GetHealthAsync()).Problems)}");
        }
    }

    public async Task<string> StateAsync(string @operator, string key) =>
        Encoding.UTF8.GetString((await Engine.GetStateAsync(@operator, key, stable: true, Cancel)).ShouldNotBeNull().Json.Span);

    public static async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        long start = Environment.TickCount64;
        while (!await condition())
        {
            if (Environment.TickCount64 - start > 30_000)
            {
                throw new TimeoutException($"not seen within two minutes: {what}");
            }

            await Task.Delay(5, Cancel);
        }
    }

    public Task StopAsync() => _app.StopAsync(Cancel);

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Engine.DisposeAsync();
        await _app.DisposeAsync();
    }
}

/// <summary>A folder that goes away.</summary>
internal sealed class TestFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("orleansstreaming-docs-").FullName;

    public string this[string name] => System.IO.Path.Combine(Path, name);

    public void Dispose()
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                Directory.Delete(Path, recursive: true);
                return;
            }
            catch (IOException) when (attempt < 20)
            {
                Thread.Sleep(10); // A write that was under way when the engine was torn down.
            }
        }
    }
}

using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OrleansStreaming.Storage.Files;
using OrleansStreaming.Testing;

namespace OrleansStreaming.AspNetCore.Tests;

/// <summary>A web application with streaming on a folder, on a real server on some port.</summary>
internal sealed class WebApp : IAsyncDisposable
{
    private readonly WebApplication _app;

    private WebApp(WebApplication app, LogLines log)
    {
        _app = app;
        Log = log;
        Engine = app.Services.GetRequiredService<StreamingEngine>();
        Http = new HttpClient { BaseAddress = new Uri(app.Urls.First()), Timeout = TimeSpan.FromSeconds(40) };
    }

    public static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public StreamingEngine Engine { get; }

    public HttpClient Http { get; }

    public LogLines Log { get; }

    public IServiceProvider Services => _app.Services;

    public static async Task<WebApp> StartAsync(
        string folder,
        Action<StreamingBuilder> topology,
        Action<StreamingOptions>? options = null,
        Action<FileStorageOptions>? files = null,
        Action<WebApplicationBuilder>? build = null,
        Action<WebApplication>? map = null,
        bool ready = true)
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = "Test", ContentRootPath = AppContext.BaseDirectory });
        var log = new LogLines();
        builder.Logging.ClearProviders().AddProvider(log).SetMinimumLevel(LogLevel.Debug);
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.AddStreaming(
            s => topology(s.UseFiles(folder, o =>
            {
                o.SegmentSizeBytes = 1 << 20;
                files?.Invoke(o);
            })),
            o =>
            {
                o.RestartDelay = TimeSpan.FromMilliseconds(50);
                o.CheckpointEvery = TimeSpan.FromMilliseconds(100);
                options?.Invoke(o);
            });
        build?.Invoke(builder);
        WebApplication app = builder.Build();
        if (map is null)
        {
            app.MapStreaming();
            app.MapStreamingFaults();
        }
        else
        {
            map(app);
        }

        await app.StartAsync(Cancel);
        var web = new WebApp(app, log);
        if (ready)
        {
            await web.UntilReadyAsync();
        }

        return web;
    }

    public Task UntilReadyAsync() => UntilAsync(async () => (await Engine.GetHealthAsync()).Ready, "the engine is ready");

    /// <summary>Everything that came in has been processed and released.</summary>
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
            throw new TimeoutException(await DescribeAsync("not quiet"));
        }
    }

    /// <summary>Waits until something holds, at most two minutes: disks of machines that test stand still for half of one.</summary>
    public async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        long start = Environment.TickCount64;
        while (!await condition())
        {
            if (Environment.TickCount64 - start > 30_000)
            {
                throw new TimeoutException(await DescribeAsync($"not seen within two minutes: {what}"));
            }

            await Task.Delay(2, Cancel);
        }
    }

    public Task<HttpResponseMessage> PostAsync(string path, string body, string type = "application/json", string? producer = null, long? sequence = null) =>
        PostAsync(path, new StringContent(body, Encoding.UTF8, type), producer, sequence?.ToString());

    public async Task<HttpResponseMessage> PostAsync(string path, HttpContent content, string? producer = null, string? sequence = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = content };
        if (producer is not null)
        {
            request.Headers.TryAddWithoutValidation("Producer-Id", producer);
        }

        if (sequence is not null)
        {
            request.Headers.TryAddWithoutValidation("Producer-Sequence", sequence);
        }

        return await Http.SendAsync(request, Cancel);
    }

    public Task<HttpResponseMessage> PostOrdersAsync(IEnumerable<Order> orders, string? producer = null, long? sequence = null) =>
        PostAsync("/streams/orders/events", JsonSerializer.Serialize(orders, JsonSerializerOptions.Web), producer: producer, sequence: sequence);

    public async Task<(int Accepted, int Duplicates)> AcceptedAsync(Task<HttpResponseMessage> sent)
    {
        using HttpResponseMessage response = await sent;
        string body = await response.Content.ReadAsStringAsync(Cancel);
        response.StatusCode.ShouldBe(HttpStatusCode.OK, body);
        JsonNode json = JsonNode.Parse(body)!;
        return ((int)json["accepted"]!, (int)json["duplicates"]!);
    }

    public static async Task<JsonNode> ProblemAsync(Task<HttpResponseMessage> sent, HttpStatusCode status, string type)
    {
        using HttpResponseMessage response = await sent;
        string body = await response.Content.ReadAsStringAsync(Cancel);
        response.StatusCode.ShouldBe(status, body);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("application/problem+json");
        JsonNode json = JsonNode.Parse(body)!;
        ((string?)json["type"]).ShouldBe("/problems/" + type, body);
        ((int)json["status"]!).ShouldBe((int)status);
        ((string?)json["title"]).ShouldNotBeNullOrEmpty();
        ((string?)json["detail"]).ShouldNotBeNullOrEmpty();
        return json;
    }

    public async Task<JsonNode> GetAsync(string path, HttpStatusCode status = HttpStatusCode.OK)
    {
        using HttpResponseMessage response = await Http.GetAsync(path, Cancel);
        string body = await response.Content.ReadAsStringAsync(Cancel);
        response.StatusCode.ShouldBe(status, body);
        return JsonNode.Parse(body)!;
    }

    /// <summary>Count and sum of a grain, read over HTTP.</summary>
    public async Task<(long Count, long Sum)> TotalsAsync(string @operator, string key, string consistency = "latest")
    {
        JsonNode json = await GetAsync($"/operators/{@operator}/{Uri.EscapeDataString(key)}?consistency={consistency}");
        ((string?)json["key"]).ShouldBe(key);
        return ((long)json["state"]!["count"]!, (long)json["state"]!["sum"]!);
    }

    /// <summary>Kills a silo that runs, over HTTP; returns how many records were lost.</summary>
    public async Task<long> KillAsync(string silo, bool torn)
    {
        await UntilAsync(async () => (await Engine.GetSilosAsync()).Any(s => s.Name == silo && s.State == "running"), $"{silo} runs");
        using HttpResponseMessage response = await Http.PostAsync($"/faults/silos/{silo}/kill?torn={(torn ? "true" : "false")}", null, Cancel);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        JsonNode json = (await response.Content.ReadFromJsonAsync<JsonNode>(Cancel))!;
        ((string?)json["silo"]).ShouldBe(silo);
        return (long)json["lostRecords"]!;
    }

    /// <summary>States of an operator as JSON, by key.</summary>
    public async Task<Dictionary<string, string>> StatesAsync(string @operator)
    {
        var states = new Dictionary<string, string>();
        await foreach (GrainState state in Engine.GetStatesAsync(@operator, stable: true, Cancel))
        {
            states.Add(state.Key, Encoding.UTF8.GetString(state.Json.Span));
        }

        return states;
    }

    /// <summary>Stops gracefully, as the host does.</summary>
    public Task StopAsync() => _app.StopAsync(Cancel);

    /// <summary>Ends without a graceful stop of the engine, as far as one process can imitate that.</summary>
    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Engine.DisposeAsync();
        await _app.DisposeAsync();
    }

    private async Task<string> DescribeAsync(string what)
    {
        EngineHealth health = await Engine.GetHealthAsync();
        IReadOnlyList<SiloStatus> silos = await Engine.GetSilosAsync();
        return $"{what}: {string.Join("; ", health.Problems)}\n{string.Join('\n', silos)}\n{string.Join('\n', Log.Lines.TakeLast(40))}";
    }
}

/// <summary>Keeps what was logged.</summary>
internal sealed class LogLines : ILoggerProvider, ILogger
{
    private readonly ConcurrentQueue<string> _lines = new();

    public IReadOnlyCollection<string> Lines => _lines;

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _lines.Enqueue($"{eventId.Id} {logLevel}: {formatter(state, exception)} {exception}");

    public void Dispose()
    {
    }
}

/// <summary>A folder that goes away.</summary>
internal sealed class TestFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("orleansstreaming-web-").FullName;

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

using OrleansStreaming.Testing;

namespace OrleansStreaming.Storage.Azure.Tests;

/// <summary>An emulator of its own, which goes away in the middle of a run.</summary>
public sealed class OutageTests : IAsyncLifetime
{
    /// <summary>By hand: longer than the storage is patient.</summary>
    private static readonly TimeSpan Outage = TimeSpan.FromSeconds(
        int.Parse(Environment.GetEnvironmentVariable("OUTAGE_SECONDS") ?? "8", System.Globalization.CultureInfo.InvariantCulture));

    private readonly string _folder = Directory.CreateTempSubdirectory("azurite-").FullName;
    private AzuriteServer? _server;

    private AzuriteServer Server
    {
        get
        {
            Assert.SkipWhen(_server is null, AzuriteServer.Unavailable ?? "Azurite is not there.");
            return _server;
        }
    }

    public async ValueTask InitializeAsync()
    {
        if (AzuriteServer.Unavailable is null)
        {
            _server = await AzuriteServer.StartAsync(_folder, CancellationToken.None);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task The_application_waits_for_storage_that_was_away_says_so_and_goes_on()
    {
        var sink = new MemorySink<PageReport>();
        await using TestApp app = await StartAsync(sink);
        Click[] clicks = ClickCounting.Clicks(0, 900);
        await PublishAsync(app, clicks[..300], 1);
        Task published = PublishAsync(app, clicks[300..600], 2);
        await Server.StopAsync();
        Task more = PublishAsync(app, clicks[600..], 3);
        long began = TimeProvider.System.GetTimestamp();
        await TestApp.UntilAsync(async () => (await app.Engine.GetHealthAsync()) is { Ready: false, Problems: [_, ..] problems } && problems.Any(p => p.Contains("storage", StringComparison.OrdinalIgnoreCase)), "health says so");
        await TestApp.UntilAsync(() => Task.FromResult(app.Log.Lines.Any(line => line.StartsWith("1015 Warning", StringComparison.Ordinal))), "the log says so");
        more.IsCompleted.ShouldBeFalse("nothing can be durable while storage is away");
        TimeSpan left = Outage - TimeProvider.System.GetElapsedTime(began);
        await Task.Delay(left > TimeSpan.Zero ? left : TimeSpan.Zero, TestApp.Cancel);
        await Server.StartAgainAsync();
        await published;
        await more;
        await app.QuietAsync();
        await ClickCounting.ShouldMatchAsync(app.StatesAsync, sink, clicks);
        await TestApp.UntilAsync(async () => (await app.Engine.GetHealthAsync()) is { Ready: true, Problems: [] }, "health says that it is well");

        // Storage takes writes again; or, when it was away for too long, a new incarnation of the silo has begun a journal.
        string[] told = [.. app.Log.Lines.Where(line => line.StartsWith("1015 ", StringComparison.Ordinal) || line.StartsWith("1012 ", StringComparison.Ordinal) || line.StartsWith("1000 ", StringComparison.Ordinal))];
        told[^1].ShouldNotStartWith("1015");
        app.Log.Lines.ShouldNotContain(line => line.Contains("damaged", StringComparison.Ordinal));
        await app.StopAsync();
    }

    private async Task<TestApp> StartAsync(MemorySink<PageReport> sink) => await TestApp.StartAsync(
        s => ClickCounting.Topology(s.UseAzureBlobs(Server.ConnectionString), sink),
        o =>
        {
            o.Silos = 2;
            o.CheckpointEvery = TimeSpan.FromMilliseconds(500);
        });

    private static async Task PublishAsync(TestApp app, Click[] clicks, long sequence)
    {
        while ((await app.Engine.PublishAsync("clicks", clicks, $"producer{sequence}", 1, TestApp.Cancel)).Outcome != IngestOutcome.Durable)
        {
            await Task.Delay(20, TestApp.Cancel);
        }
    }
}

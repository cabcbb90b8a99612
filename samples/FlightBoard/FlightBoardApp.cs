using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using OrleansStreaming;
using OrleansStreaming.Core;
using OrleansStreaming.Testing;
using Serilog;
using Serilog.Core;

namespace FlightBoard;

/// <summary>The application: a topology, a host, and what happens from the first flight to the last.</summary>
internal static class FlightBoardApp
{
    private const int Silos = 3;
    private const int Interrupted = 130;

    public static async Task<int> RunAsync(Options options)
    {
        if (await FindFileAsync(options) is not { } file)
        {
            return Interrupted;
        }

        using var data = new DataFolder(options.Data);
        using Logger log = Logging.Create(data.Logs);
        await using WebApplication app = Build(options, file, data, log);
        await StartAsync(app);
        Console.WriteLine($"FlightBoard: {app.Urls.First()}, data in {data.Root}");

        app.Services.GetRequiredService<KillSwitch>().Served(app.Urls.First());

        CancellationToken stopping = app.Lifetime.ApplicationStopping;
        Summary? summary = await RunToEndAsync(app, file, stopping);
        if (!options.Once && summary is not null)
        {
            Console.WriteLine($"{summary}\nThe page stays at {app.Urls.First()} until Ctrl+C.");
            await Task.Delay(Timeout.Infinite, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await app.StopAsync(CancellationToken.None);
        if (summary is null)
        {
            Console.WriteLine(options.Data is null ? "Stopped before the end." : "Stopped before the end; the same command goes on from here.");
            return options.Once ? Interrupted : 0;
        }

        if (options.Once)
        {
            // The last checkpoints are those of the stop.
            Console.WriteLine(summary with { Totals = summary.Totals with { Checkpoints = app.Services.GetRequiredService<StreamingEngine>().GetTotals().Checkpoints } });
        }

        return 0;
    }

    /// <summary>Null when Ctrl+C comes before the file is there; from then on the host sees to it.</summary>
    private static async Task<FlightFile?> FindFileAsync(Options options)
    {
        using var interrupted = new CancellationTokenSource();
        using var signal = PosixSignalRegistration.Create(PosixSignal.SIGINT, context =>
        {
            context.Cancel = true;
            interrupted.Cancel();
        });
        try
        {
            string path = options.Input ?? await FlightData.FindOrInstallAsync(Console.WriteLine, interrupted.Token);
            return new FlightFile(path, await FlightData.CountAsync(path, interrupted.Token));
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    /// <summary>Shows progress until all of the file has gone through; null when stopped before.</summary>
    private static async Task<Summary?> RunToEndAsync(WebApplication app, FlightFile file, CancellationToken stopping)
    {
        long start = Stopwatch.GetTimestamp();
        StreamingEngine engine = app.Services.GetRequiredService<StreamingEngine>();
        Board board = app.Services.GetRequiredService<Board>();
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        Task progress = new ConsoleProgress(board).ShowAsync(end.Token);
        try
        {
            await engine.SourcesCompleted.WaitAsync(stopping);
            await engine.WhenQuietAsync(stopping);
            Summary summary = await Summary.TakeAsync(engine, file.Flights, Stopwatch.GetElapsedTime(start), stopping);
            await board.FinishAsync(stopping);
            return summary;
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            return null; // Ctrl+C.
        }
        finally
        {
            await end.CancelAsync();
            await progress;
        }
    }

    private static WebApplication Build(Options options, FlightFile file, DataFolder data, Logger log)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().AddSerilog(log);
        builder.WebHost.UseUrls(options.Urls ?? $"http://127.0.0.1:{(options.Once ? 0 : FreePort())}");
        builder.Services.AddSingleton(options).AddSingleton(file);
        builder.Services.AddSingleton<FlightSource>().AddSingleton<KillSwitch>().AddSingleton<Board>();
        builder.AddStreaming(
            streaming => streaming
                .UseJson(FlightJson.Default)
                .UseFiles(data.State, files => files.FlushDelay = options.FlushDelay)
                .AddSource<Flight>(to: "flights", services => services.GetRequiredService<FlightSource>())
                .AddStream<Flight>("flights", keyedBy: f => f.Origin)
                .AddOperator<AirportDelays>(from: "flights", to: "routes")
                .AddStream<Flight>("routes", keyedBy: f => f.Route)
                .AddOperator<RouteDelays>(from: "routes", to: "reports")
                .AddStream<RouteReport>("reports", keyedBy: r => r.Route)
                .AddSink<RouteReport>(from: "reports", _ => new JsonLinesSink<RouteReport>(data.Reports)),
            engine =>
            {
                engine.Silos = Silos;
                engine.CheckpointEvery = TimeSpan.FromSeconds(1);
            });
        builder.Services.AddHostedService(services => services.GetRequiredService<Board>());

        WebApplication app = builder.Build();
        app.MapStreaming();
        app.MapStreamingFaults(); // The kill buttons. Not for applications that matter.
        Board.Map(app);
        return app;
    }

    private static async Task StartAsync(WebApplication app)
    {
        try
        {
            await app.StartAsync();
        }
        catch (Exception e)
        {
            await app.StopAsync();
            throw e switch
            {
                StorageException => new UserException($"The data folder cannot be used: {e.Message}", e),
                DeploymentMismatchException => new UserException($"The data folder was written by another version of this sample: {e.Message}", e),
                IOException or SocketException => new UserException($"The page cannot be served; choose another --port or --urls: {e.Message}", e),
                _ => e,
            };
        }
    }

    private static int FreePort()
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, Options.DefaultPort);
            listener.Start();
            return Options.DefaultPort;
        }
        catch (SocketException)
        {
            Console.WriteLine($"Port {Options.DefaultPort} is in use; another one is taken (or say --port).");
            return 0;
        }
    }
}

using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Flights;
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
    private const int Failed = 2;

    public static async Task<int> RunAsync(Options options)
    {
        using var interruption = new Interruption();
        try
        {
            string path = options.Input ?? await FlightData.FindOrInstallAsync(Console.WriteLine, interruption.Token);
            var file = new FlightFile(path, await FlightData.CountAsync(path, interruption.Token));
            using var data = new DataFolder(options.Data);
            await using RunStorage storage = await RunStorage.OpenAsync(options, data, interruption.Token);
            return await RunAsync(options, file, data, storage, interruption.Token);
        }
        catch (OperationCanceledException) when (interruption.Token.IsCancellationRequested)
        {
            return Interrupted;
        }
    }

    private static async Task<int> RunAsync(Options options, FlightFile file, DataFolder data, RunStorage storage, CancellationToken interrupted)
    {
        using Logger log = Logging.Create(data.Logs);
        await using WebApplication app = Build(options, file, data, storage, log);
        await StartAsync(app);
        using CancellationTokenRegistration stop = interrupted.Register(app.Lifetime.StopApplication);
        Console.WriteLine($"FlightBoard: {app.Urls.First()}, data in {data.Root}, state in {storage.Description}");

        app.Services.GetRequiredService<KillSwitch>().Served(app.Urls.First());

        CancellationToken stopping = app.Lifetime.ApplicationStopping;
        _ = StopWhenLostAsync(storage, app.Lifetime);
        Summary? summary = await RunToEndAsync(app, file, stopping);
        if (!options.Once && summary is not null)
        {
            Console.WriteLine($"{summary}\nThe page stays at {app.Urls.First()} until Ctrl+C.");
            await Task.Delay(Timeout.Infinite, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (storage.Lost.IsCompleted)
        {
            return Failed; // There is nowhere to write anything.
        }

        if (stopping.IsCancellationRequested)
        {
            Console.WriteLine("\nStopping; what is only in memory is written first.");
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

    private static async Task StopWhenLostAsync(RunStorage storage, IHostApplicationLifetime lifetime)
    {
        if (await Task.WhenAny(storage.Lost, Task.Delay(Timeout.Infinite, lifetime.ApplicationStopping)) == storage.Lost)
        {
            await Console.Error.WriteLineAsync($"\n{await storage.Lost}");
            lifetime.StopApplication();
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

    private static WebApplication Build(Options options, FlightFile file, DataFolder data, RunStorage storage, Logger log)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().AddSerilog(log);
        builder.WebHost.UseUrls(options.Urls ?? $"http://127.0.0.1:{(options.Once ? 0 : FreePort())}");
        builder.Services.AddSingleton(options).AddSingleton(file);
        builder.Services.AddSingleton<FlightSource>().AddSingleton<KillSwitch>().AddSingleton<Board>();
        builder.AddStreaming(
            streaming =>
            {
                storage.Use(streaming, options.FlushDelay);
                streaming
                    .AddFlights()
                    .AddSource<Flight>(to: "flights", services => services.GetRequiredService<FlightSource>())
                    .AddSink<RouteReport>(from: "reports", _ => new JsonLinesSink<RouteReport>(data.Reports));
            },
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
                StorageException => new UserException($"The state cannot be read or written: {e.Message}", e),
                DeploymentMismatchException => new UserException($"The state was written by another version of this sample: {e.Message}", e),
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

using System.Diagnostics;
using System.Reflection;
using System.Text.Json;
using Flights;
using OrleansStreaming;

namespace FlightBoard;

/// <summary>What the page and the console show, measured twice a second.</summary>
internal sealed class Board(StreamingEngine engine, FlightFile file, FlightSource source) : BackgroundService
{
    private const int SamplesPerRate = 4; // A rate is that of the last two seconds.
    private const int AirportsShown = 10;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);
    private readonly long _start = Stopwatch.GetTimestamp();
    private readonly Queue<(long At, EngineTotals Totals)> _samples = new();
    private readonly SemaphoreSlim _measuring = new(1);
    private volatile BoardFigures? _figures;
    private volatile bool _finished;

    /// <summary>The latest figures; null before the first.</summary>
    public BoardFigures? Figures => _figures;

    /// <summary>The silos, as last seen.</summary>
    public IReadOnlyList<SiloStatus> Silos { get; private set; } = [];

    /// <summary>The failures so far.</summary>
    public IReadOnlyList<Rollback> Rollbacks { get; private set; } = [];

    /// <summary>Everything in the file has gone through.</summary>
    public Task FinishAsync(CancellationToken cancellationToken)
    {
        _finished = true;
        return MeasureAsync(cancellationToken);
    }

    /// <summary>Serves the page and its figures.</summary>
    public static void Map(IEndpointRouteBuilder app)
    {
        app.MapGet("/", () => Results.Stream(Assembly.GetExecutingAssembly().GetManifestResourceStream("index.html")!, "text/html; charset=utf-8"));
        app.MapGet("/board", (Board board) => board.Figures is { } figures ? Results.Ok(figures) : Results.NoContent());
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval);
        do
        {
            await MeasureAsync(stoppingToken);
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task MeasureAsync(CancellationToken cancellationToken)
    {
        await _measuring.WaitAsync(cancellationToken);
        try
        {
            _figures = await TakeFiguresAsync(cancellationToken);
        }
        finally
        {
            _measuring.Release();
        }
    }

    private async Task<BoardFigures> TakeFiguresAsync(CancellationToken cancellationToken)
    {
        EngineTotals totals = engine.GetTotals();
        (long At, EngineTotals Totals) now = (Stopwatch.GetTimestamp(), totals);
        _samples.Enqueue(now);
        (long At, EngineTotals Totals) before = _samples.Count > SamplesPerRate ? _samples.Dequeue() : _samples.Peek();
        double seconds = Math.Max(0.001, Stopwatch.GetElapsedTime(before.At, now.At).TotalSeconds);
        Silos = await engine.GetSilosAsync();
        Rollbacks = engine.GetRollbacks();
        return new BoardFigures
        {
            Flights = file.Flights,
            Read = source.Read,
            Finished = _finished,
            ElapsedSeconds = Stopwatch.GetElapsedTime(_start).TotalSeconds,
            FlightsPerSecond = (totals.Ingested - before.Totals.Ingested) / seconds,
            TurnsPerSecond = (totals.Events - before.Totals.Events) / seconds,
            ReportsPerSecond = (totals.Released - before.Totals.Released) / seconds,
            Totals = totals,
            Airports = await BusiestAsync(cancellationToken) ?? _figures?.Airports ?? [],
        };
    }

    // Null while a part of the states cannot be read because its silo is down: the board must not stand still meanwhile.
    private async Task<IReadOnlyList<AirportFigures>?> BusiestAsync(CancellationToken cancellationToken)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Interval / 2);
        try
        {
            List<AirportFigures> airports = [];
            await foreach (GrainState state in engine.GetStatesAsync(nameof(AirportDelays), cancellationToken: limit.Token))
            {
                DelayStats stats = JsonSerializer.Deserialize(state.Json.Span, FlightJson.Default.DelayStats);
                airports.Add(new AirportFigures(state.Key, stats.Count, Math.Round((double)stats.SumDelay / Math.Max(1, stats.Count), 1), stats.MaxDelay, stats.MinDelay));
            }

            return [.. airports.OrderByDescending(a => a.Count).ThenBy(a => a.Airport, StringComparer.Ordinal).Take(AirportsShown)];
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }
}

/// <summary>What <c>/board</c> answers.</summary>
internal sealed record BoardFigures
{
    public required long Flights { get; init; }

    public required long Read { get; init; }

    public required bool Finished { get; init; }

    public required double ElapsedSeconds { get; init; }

    public required double FlightsPerSecond { get; init; }

    public required double TurnsPerSecond { get; init; }

    public required double ReportsPerSecond { get; init; }

    public required EngineTotals Totals { get; init; }

    public required IReadOnlyList<AirportFigures> Airports { get; init; }
}

/// <summary>How an airport stands.</summary>
internal sealed record AirportFigures(string Airport, long Count, double MeanDelay, int MaxDelay, int MinDelay);

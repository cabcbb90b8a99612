using OrleansStreaming;

namespace FlightBoard;

/// <summary>
/// Kills silos at random points of the file. The source asks it before every flight, so that no kill is missed, however
/// fast the file goes by: it waits at a point until the silo killed last is back, and a little behind it until the next is dead.
/// </summary>
internal sealed class KillSwitch(Options options, StreamingEngine engine, ILogger<KillSwitch> logger) : IDisposable
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan WaitForWork = TimeSpan.FromSeconds(1);
    private readonly HttpClient _http = new();
    private readonly TaskCompletionSource<Uri> _served = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Queue<long> _points = new();
    private long _hold;
    private long _holdAt = long.MaxValue;
    private bool _planned;
    private Task _dead = Task.CompletedTask;
    private Task _back = Task.CompletedTask;

    /// <summary>The application can be reached: kills go through the same endpoint as those of the page.</summary>
    public void Served(string url) => _served.TrySetResult(new Uri(url.Replace("[::]", "localhost", StringComparison.Ordinal).Replace("0.0.0.0", "localhost", StringComparison.Ordinal)));

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    /// <summary>Chooses the points among the flights that are still to be read.</summary>
    public void Plan(long first, long end)
    {
        if (_planned || options.Kills == 0 || first >= end)
        {
            return;
        }

        _planned = true;
        double stretch = (double)(end - first) / options.Kills;
        _hold = (long)(stretch / 4);
        for (int i = 0; i < options.Kills; i++)
        {
            _points.Enqueue(first + (long)(stretch * (i + (0.7 * Random.Shared.NextDouble()))));
        }
    }

    /// <summary>Called before a flight is handed on.</summary>
    public async ValueTask PassAsync(long position, CancellationToken cancellationToken)
    {
        if (position >= _holdAt)
        {
            await _dead.WaitAsync(cancellationToken);
            _holdAt = long.MaxValue;
        }

        while (_points.TryPeek(out long point) && position >= point)
        {
            await _back.WaitAsync(cancellationToken);
            _points.Dequeue();
            _holdAt = position + _hold;
            var dead = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _dead = dead.Task;
            _back = KillNextAsync(dead);
        }
    }

    /// <summary>Completes when the silo killed last is back.</summary>
    public Task WhenBackAsync(CancellationToken cancellationToken) => _back.WaitAsync(cancellationToken);

    private async Task KillNextAsync(TaskCompletionSource dead)
    {
        try
        {
            string victim = $"silo{Random.Shared.Next(engine.Options.Silos)}";
            bool torn = Random.Shared.Next(2) == 0;
            SiloStatus before = await WaitForAsync(victim, s => s.State == "running" && s.UnflushedBytes > 0, WaitForWork);
            await KillAsync(victim, torn);
            logger.LogInformation("Killed {Silo} ({Journal}), {Tail}", victim, before.Journal, torn ? "tearing its last write" : "losing what was not flushed");
            dead.SetResult();
            await WaitForAsync(victim, s => s.State == "running" && s.Incarnations > before.Incarnations, Timeout.InfiniteTimeSpan);
        }
        catch (Exception e)
        {
            logger.LogError(e, "The kill failed");
            dead.TrySetResult();
        }
    }

    private async Task KillAsync(string silo, bool torn)
    {
        var endpoint = new Uri(await _served.Task, $"/faults/silos/{silo}/kill?torn={(torn ? "true" : "false")}");
        using HttpResponseMessage answer = await _http.PostAsync(endpoint, content: null);
        answer.EnsureSuccessStatusCode();
    }

    private async Task<SiloStatus> WaitForAsync(string silo, Predicate<SiloStatus> condition, TimeSpan limit)
    {
        long start = Environment.TickCount64;
        while (true)
        {
            SiloStatus status = (await engine.GetSilosAsync()).Single(s => s.Name == silo);
            if (condition(status) || (limit >= TimeSpan.Zero && Environment.TickCount64 - start > limit.TotalMilliseconds))
            {
                return status;
            }

            await Task.Delay(Poll);
        }
    }
}

using System.Diagnostics;
using System.Text.Json.Nodes;

namespace OrleansStreaming.Benchmarks;

/// <summary>
/// Whether recovery takes no longer than it should: a silo that is asked for few checkpoints works as fast as it can, is
/// killed at some moment, and starts again at once.
/// </summary>
internal sealed class CheckpointTarget(int targetMs, int runs, int seed)
{
    private readonly List<(string States, double Ms)> _recoveries = [];

    /// <summary>Only the target asks for checkpoints.</summary>
    public PipelineOptions Options => new()
    {
        Engine = o => o.RestartDelay = TimeSpan.Zero,
        Tune = o => o with { RecoveryTargetMs = targetMs, CheckpointEveryMs = 100, CheckpointOverhead = 1e-9 },
    };

    /// <summary>The longest recovery, of the target.</summary>
    public double OfTarget(string states) => _recoveries.Where(r => r.States == states).Max(r => r.Ms) / targetMs;

    public JsonArray ToJson() => new([.. _recoveries.Select(r => new JsonObject { ["states"] = r.States, ["ms"] = Math.Round(r.Ms, 1) })]);

    /// <summary>Kills the silo after a random time of work, again and again.</summary>
    public async Task MeasureAsync(string states, BenchEngine bench, Func<Task> workSome, CancellationToken cancellationToken)
    {
        var random = new Random(seed);
        for (int run = 1; run <= runs; run++)
        {
            long started = Stopwatch.GetTimestamp();
            double workMs = targetMs * (1.5 + (2 * random.NextDouble()));
            while (Stopwatch.GetElapsedTime(started).TotalMilliseconds < workMs)
            {
                await workSome();
            }

            long before = bench.Checkpoints;
            started = Stopwatch.GetTimestamp();
            await bench.Engine.KillAsync("silo0", torn: false);
            await bench.WhenDoneAsync(() => bench.Engine.AllServed, cancellationToken);
            double ms = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
            _recoveries.Add((states, ms));
            Progress.Note($"{states} states: killed after {workMs:N0} ms with {before} checkpoints, recovered in {ms:N0} ms, run {run} of {runs}");
        }
    }
}

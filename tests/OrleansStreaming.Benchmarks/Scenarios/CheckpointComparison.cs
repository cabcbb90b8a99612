namespace OrleansStreaming.Benchmarks;

/// <summary>The same work without checkpoints, with checkpoints at a fixed interval, and with those of the defaults.</summary>
internal sealed class CheckpointComparison(string states, int runs)
{
    private readonly List<Dictionary<CheckpointMode, Figures>> _runs = [];

    public string States => states;

    /// <summary>Repeats the work, in each mode; no mode is always the first, since what comes first often finds a quieter disk.</summary>
    public async Task RunAsync(IReadOnlyDictionary<CheckpointMode, BenchEngine> engines, Func<CheckpointMode, string, Task> work, CancellationToken cancellationToken)
    {
        CheckpointMode[] modes = Enum.GetValues<CheckpointMode>();
        for (int run = 1; run <= runs; run++)
        {
            var figures = new Dictionary<CheckpointMode, Figures>();
            for (int i = 0; i < modes.Length; i++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                CheckpointMode mode = modes[(run + i) % modes.Length];
                BenchEngine bench = engines[mode];
                (long bytes, long checkpoints, long micros) = (bench.CheckpointBytes, bench.Checkpoints, bench.CheckpointMicros);
                var meter = new ProcessMeter();
                await work(mode, $"{states} states, checkpoints {mode.ToString().ToLowerInvariant()}: run {run} of {runs}");
                (double seconds, double cpu, _) = meter.Read();
                figures[mode] = new Figures(seconds, cpu, bench.CheckpointBytes - bytes, bench.Checkpoints - checkpoints, bench.CheckpointMicros - micros);
                await bench.CheckpointAsync(cancellationToken); // What is left would fall on the others; and a log that is never trimmed is slower than any checkpoint.
            }

            _runs.Add(figures);
        }
    }

    /// <summary>The share of its time that the work takes longer than without checkpoints in the same repetition; NaN when repetitions are too short for any.</summary>
    public double OverheadPercent(CheckpointMode mode) => Of(mode, r => 100 * (1 - (r[CheckpointMode.Off].Seconds / r[mode].Seconds)));

    public double CpuOverheadPercent(CheckpointMode mode) => Of(mode, r => 100 * ((r[mode].Cpu / r[CheckpointMode.Off].Cpu) - 1));

    /// <summary>The share of one core's time that checkpoints say they have taken: what the engine goes by.</summary>
    public double SharePercent(CheckpointMode mode) => Of(mode, r => 100 * r[mode].Micros / 1e6 / r[mode].Seconds);

    /// <summary>How long each repetition took.</summary>
    public IEnumerable<double> Seconds(CheckpointMode mode) => _runs.Select(r => r[mode].Seconds);

    /// <summary>Bytes of checkpoints in one repetition.</summary>
    public double Written(CheckpointMode mode) => Median.Of(_runs, r => r[mode].Written);

    /// <summary>Checkpoints of partitions in one repetition.</summary>
    public double Checkpoints(CheckpointMode mode) => Median.Of(_runs, r => r[mode].Checkpoints);

    private double Of(CheckpointMode mode, Func<Dictionary<CheckpointMode, Figures>, double> figure) => Checkpoints(mode) > 0 ? Median.Of(_runs, figure) : double.NaN;

    private sealed record Figures(double Seconds, double Cpu, long Written, long Checkpoints, long Micros);
}

/// <summary>When checkpoints are taken.</summary>
internal enum CheckpointMode
{
    /// <summary>Never.</summary>
    Off,

    /// <summary>At an interval, whatever they cost.</summary>
    Fixed,

    /// <summary>As the defaults of the engine say: further apart the more they cost.</summary>
    Adaptive,
}

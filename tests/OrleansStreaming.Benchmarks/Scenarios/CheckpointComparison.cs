namespace OrleansStreaming.Benchmarks;

/// <summary>
/// The same work without checkpoints, with checkpoints at a fixed interval, and with those of the defaults. A repetition with
/// checkpoints is compared with the two without next to it, as the machine does not stay the same for long.
/// </summary>
/// <param name="states">What the work changes, for whoever reads the figures.</param>
/// <param name="runs">How many repetitions with checkpoints there are of each kind.</param>
/// <param name="leastSeconds">How long a repetition takes at least: the work is done as often as that needs, in all of them the same. Shorter ones differ by more than checkpoints cost.</param>
internal sealed class CheckpointComparison(string states, int runs, int leastSeconds)
{
    /// <summary>How often the engines look for parts of their journals that nobody needs any more: before the next repetition.</summary>
    public const int TrimEveryMs = 1000;
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(TrimEveryMs * 1.5);
    private readonly List<Figures> _off = [];
    private readonly Dictionary<CheckpointMode, List<Pair>> _on = new() { [CheckpointMode.Fixed] = [], [CheckpointMode.Adaptive] = [] };

    public string States => states;

    /// <summary>How often the work is done in one repetition.</summary>
    public int Rounds { get; private set; } = 1;

    /// <summary>Does the work in each mode until nothing is new any more, then repeats and measures it.</summary>
    public async Task RunAsync(IReadOnlyDictionary<CheckpointMode, BenchEngine> engines, Func<CheckpointMode, string, Task> work, CancellationToken cancellationToken)
    {
        foreach (CheckpointMode mode in engines.Keys)
        {
            await MeasureAsync(mode, "warm-up");
        }

        Rounds = Math.Max(1, (int)Math.Ceiling(leastSeconds / (await MeasureAsync(CheckpointMode.Off, "how long it takes")).Seconds));
        _off.Add(await MeasureAsync(CheckpointMode.Off, "before run 1"));
        for (int run = 1; run <= runs; run++)
        {
            foreach (CheckpointMode mode in run % 2 == 0 ? [CheckpointMode.Fixed, CheckpointMode.Adaptive] : (CheckpointMode[])[CheckpointMode.Adaptive, CheckpointMode.Fixed])
            {
                Figures with = await MeasureAsync(mode, $"run {run} of {runs}");
                _off.Add(await MeasureAsync(CheckpointMode.Off, $"run {run} of {runs}"));
                _on[mode].Add(new Pair(with, (_off[^2].Seconds + _off[^1].Seconds) / 2, (_off[^2].Cpu + _off[^1].Cpu) / 2));
            }
        }

        async Task<Figures> MeasureAsync(CheckpointMode mode, string step)
        {
            cancellationToken.ThrowIfCancellationRequested();
            BenchEngine bench = engines[mode];
            (long bytes, long checkpoints, long micros) = (bench.CheckpointBytes, bench.Checkpoints, bench.CheckpointMicros);
            var meter = new ProcessMeter();
            for (int round = 0; round < Rounds; round++)
            {
                await work(mode, $"{states} states, checkpoints {mode.ToString().ToLowerInvariant()}: {step}");
            }

            (double seconds, double cpu, _) = meter.Read();
            var figures = new Figures(seconds, cpu, bench.CheckpointBytes - bytes, bench.Checkpoints - checkpoints, bench.CheckpointMicros - micros);
            await bench.CheckpointAsync(cancellationToken); // A log that is never trimmed is slower than any checkpoint.
            await ProcessMeter.WhenQuietAsync(Quiet, cancellationToken); // What is left to be merged and deleted would fall on the others.
            return figures;
        }
    }

    /// <summary>The share of its time that the work takes longer than without checkpoints just before and after; NaN when repetitions are too short for any.</summary>
    public double OverheadPercent(CheckpointMode mode) => Compare(mode, p => 100 * (1 - (p.SecondsWithout / p.With.Seconds)));

    public double CpuOverheadPercent(CheckpointMode mode) => Compare(mode, p => 100 * ((p.With.Cpu / p.CpuWithout) - 1));

    /// <summary>The share of one core's time that checkpoints say they have taken: what the engine goes by.</summary>
    public double SharePercent(CheckpointMode mode) => Compare(mode, p => 100 * p.With.Micros / 1e6 / p.With.Seconds);

    /// <summary>How long each repetition took.</summary>
    public IEnumerable<double> Seconds(CheckpointMode mode) => Repetitions(mode).Select(r => r.Seconds);

    /// <summary>Bytes of checkpoints in one repetition.</summary>
    public double Written(CheckpointMode mode) => Median.Of(Repetitions(mode), r => r.Written);

    /// <summary>Checkpoints of partitions in one repetition.</summary>
    public double Checkpoints(CheckpointMode mode) => Median.Of(Repetitions(mode), r => r.Checkpoints);

    private IEnumerable<Figures> Repetitions(CheckpointMode mode) => mode == CheckpointMode.Off ? _off : _on[mode].Select(p => p.With);

    private double Compare(CheckpointMode mode, Func<Pair, double> figure) =>
        mode != CheckpointMode.Off && Checkpoints(mode) > 0 ? Median.Of(_on[mode], figure) : double.NaN;

    /// <summary>A repetition with checkpoints, and what those without before and after it have taken on average.</summary>
    private sealed record Pair(Figures With, double SecondsWithout, double CpuWithout);

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

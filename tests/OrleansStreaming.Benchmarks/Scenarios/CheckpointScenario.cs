using System.CommandLine;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;

namespace OrleansStreaming.Benchmarks;

/// <summary>What checkpoints cost: in events that are not processed meanwhile, and in bytes written.</summary>
internal sealed class CheckpointScenario(Common common, CheckpointScenario.Load load)
{
    private const string NoAdaptive = "the engine checkpoints at a fixed interval, or sooner after a number of bytes";
    private readonly List<Figures> _small = [];
    private readonly List<Figures> _large = [];

    public static Command Command()
    {
        Option<int> keys = CommonOptions.Number("--keys", "N", "Grains with small states", 1_000_000, 1, 100_000_000);
        Option<int> events = CommonOptions.Number("--events", "N", "Events for small states in one repetition", 6_000_000, 1000, 1_000_000_000);
        Option<string> distribution = CommonOptions.Word("--distribution", "How keys are drawn", "uniform", "zipf");
        Option<int> pages = CommonOptions.Number("--pages", "N", "Grains with large states", 64, 1, 100_000);
        Option<int> pageBytes = CommonOptions.Number("--page-bytes", "N", "The size of a large state", 1 << 20, 1000, 1 << 24);
        Option<int> edits = CommonOptions.Number("--edits", "N", "Events for large states in one repetition", 300_000, 1, 1_000_000_000);
        Option<int> rounds = CommonOptions.Number("--rounds", "N", "Checkpoints of all large states, each after one event for each", 20, 1, 1_000_000);
        Option<int> every = CommonOptions.Number("--every-ms", "MS", "The fixed interval", 2000, 1, 3_600_000);
        Command command = new("checkpoint", "The work of throughput without and with checkpoints; and large states of which a thousandth changes")
        {
            keys, events, distribution, pages, pageBytes, edits, rounds, every,
        };
        CommonOptions common = CommonOptions.AddTo(command);
        command.SetAction((parsed, cancellationToken) => new CheckpointScenario(common.Read(parsed), new Load(
            parsed.GetValue(keys),
            parsed.GetValue(events),
            parsed.GetValue(distribution)!,
            parsed.GetValue(pages),
            parsed.GetValue(pageBytes),
            parsed.GetValue(edits),
            parsed.GetValue(rounds),
            parsed.GetValue(every))).RunAsync(cancellationToken));
        return command;
    }

    private PipelineOptions Off => new() { Tune = o => o with { CheckpointEveryMs = 1L << 40, CheckpointBytes = long.MaxValue } };

    private PipelineOptions Fixed => new() { Engine = o => o.CheckpointEvery = TimeSpan.FromMilliseconds(load.EveryMs) };

    private async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        using var folder = BenchFolder.Create(common.Data);
        await MeasureSmallAsync(folder, cancellationToken);
        (double largeWritten, long wrong) = await MeasureLargeAsync(folder, cancellationToken);
        double smallOverhead = Median.Of(_small, f => f.OverheadPercent), largeOverhead = Median.Of(_large, f => f.OverheadPercent);
        double smallWritten = Median.Of(_small, f => f.WrittenBytesPerChangedByte);
        new Report("checkpoint", $"checkpoint: every {load.EveryMs:N0} ms on {folder.Kind}, medians of {common.Runs} runs")
            .With("keys", load.Keys).With("events", load.Events).With("distribution", load.Distribution).With("pages", load.Pages).With("pageBytes", load.PageBytes)
            .With("edits", load.Edits).With("rounds", load.Rounds).With("everyMs", load.EveryMs).With("seed", common.Seed).With("runs", common.Runs).With("fileSystem", folder.Kind)
            .With("results", new JsonArray(
                Row("small", smallOverhead, smallWritten),
                Row("large", largeOverhead, largeWritten)))
            .Add("overheadPercent", smallOverhead, "N1", Aim.Most(5))
            .Add("cpuOverheadPercent", Median.Of(_small, f => f.CpuOverheadPercent), "N1")
            .Add("largeOverheadPercent", largeOverhead, "N1", Aim.Most(5))
            .Add("smallWrittenBytesPerChangedByte", smallWritten, "N2")
            .Add("writtenBytesPerChangedByte", largeWritten, "N2", Aim.Most(2))
            .Missing("adaptiveOverheadPercent", NoAdaptive)
            .Add("wrongStates", wrong, "N0", Aim.Most(0))
            .Print(common.Json);
        return wrong == 0 ? 0 : 1;
    }

    private async Task MeasureSmallAsync(BenchFolder folder, CancellationToken cancellationToken)
    {
        KeySequence keys = KeySequence.Draw(load.Distribution, load.Keys, common.Seed);
        await using Pipeline off = await Pipeline.StartAsync("long", folder["off"], keys, Off, cancellationToken);
        await using Pipeline on = await Pipeline.StartAsync("long", folder["on"], keys, Fixed, cancellationToken);
        await off.FeedAsync("warm-up without checkpoints", load.Keys + load.Events, cancellationToken);
        await on.FeedAsync("warm-up with checkpoints", load.Keys + load.Events, cancellationToken);
        for (int run = 1; run <= common.Runs; run++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            long written = 0;
            (double withoutSeconds, double withoutCpu, double withSeconds, double withCpu) = (0, 0, 0, 0);
            foreach (bool checkpoints in Order(run))
            {
                Pipeline measured = checkpoints ? on : off;
                long before = measured.Bench.CheckpointBytes;
                var meter = new ProcessMeter();
                await measured.FeedAsync($"small states, {(checkpoints ? "with" : "without")}: run {run} of {common.Runs}", load.Events, cancellationToken);
                (double seconds, double cpu, _) = meter.Read();
                if (checkpoints)
                {
                    (withSeconds, withCpu, written) = (seconds, cpu, measured.Bench.CheckpointBytes - before);
                    await on.Bench.CheckpointAsync(cancellationToken); // What is left would fall on the other.
                }
                else
                {
                    (withoutSeconds, withoutCpu) = (seconds, cpu);
                }
            }

            double changed = (double)load.Events * Unsafe.SizeOf<Tally>();
            _small.Add(new Figures(100 * (1 - (withoutSeconds / withSeconds)), 100 * ((withCpu / withoutCpu) - 1), written / changed));
        }
    }

    private async Task<(double WrittenBytesPerChangedByte, long WrongStates)> MeasureLargeAsync(BenchFolder folder, CancellationToken cancellationToken)
    {
        await using PageWork off = await PageWork.StartAsync(folder["large-off"], load.Pages, load.PageBytes, Off, cancellationToken);
        await using PageWork on = await PageWork.StartAsync(folder["large-on"], load.Pages, load.PageBytes, Fixed, cancellationToken);
        await off.FeedAsync(load.Pages, cancellationToken);
        await on.FeedAsync(load.Pages, cancellationToken);
        for (int run = 1; run <= common.Runs; run++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            (double without, double with) = (0, 0);
            foreach (bool checkpoints in Order(run))
            {
                double seconds = await TimeAsync(checkpoints ? on : off, $"large states, {(checkpoints ? "with" : "without")}: run {run} of {common.Runs}", cancellationToken);
                if (checkpoints)
                {
                    with = seconds;
                    await on.CheckpointAsync(cancellationToken);
                }
                else
                {
                    without = seconds;
                }
            }

            _large.Add(new Figures(100 * (1 - (without / with)), double.NaN, double.NaN));
        }

        // Rounds of one event for each page and one checkpoint: how much was changed is known exactly.
        await on.CheckpointAsync(cancellationToken);
        long written = await Progress.ShowAsync("large states: rounds", load.Rounds, () => 0, async () =>
        {
            long sum = 0;
            for (int round = 0; round < load.Rounds; round++)
            {
                await on.FeedAsync(load.Pages, cancellationToken);
                sum += await on.CheckpointAsync(cancellationToken);
            }

            return sum;
        });
        long changed = on.ChangedBytesPerEvent * load.Pages * load.Rounds;
        return ((double)written / changed, await on.CountWrongStatesAsync(cancellationToken));
    }

    /// <summary>Now the one first, now the other: what comes first often finds a quieter disk.</summary>
    private static bool[] Order(int run) => run % 2 == 1 ? [false, true] : [true, false];

    private async Task<double> TimeAsync(PageWork work, string step, CancellationToken cancellationToken)
    {
        var meter = new ProcessMeter();
        await Progress.ShowAsync(step, 1, () => 0, async () =>
        {
            await work.FeedAsync(load.Edits, cancellationToken);
            return 0;
        });
        return meter.Read().Seconds;
    }

    private static JsonObject Row(string states, double overheadPercent, double writtenBytesPerChangedByte) => new()
    {
        ["states"] = states,
        ["mode"] = "fixed",
        ["overheadPercent"] = Math.Round(overheadPercent, 3),
        ["writtenBytesPerChangedByte"] = Math.Round(writtenBytesPerChangedByte, 3),
    };

    internal sealed record Load(int Keys, int Events, string Distribution, int Pages, int PageBytes, int Edits, int Rounds, int EveryMs);

    private sealed record Figures(double OverheadPercent, double CpuOverheadPercent, double WrittenBytesPerChangedByte);
}

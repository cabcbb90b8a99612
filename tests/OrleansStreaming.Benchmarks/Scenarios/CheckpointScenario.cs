using System.CommandLine;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;

namespace OrleansStreaming.Benchmarks;

/// <summary>What checkpoints cost: in events that are not processed meanwhile, and in bytes written.</summary>
internal sealed class CheckpointScenario(Common common, CheckpointScenario.Load load)
{
    private readonly CheckpointComparison _small = new("small", common.Runs);
    private readonly CheckpointComparison _large = new("large", common.Runs);

    public static Command Command()
    {
        Option<int> keys = CommonOptions.Number("--keys", "N", "Grains with small states", 1_000_000, 1, 100_000_000);
        Option<int> events = CommonOptions.Number("--events", "N", "Events for small states in one repetition", 10_000_000, 1000, 1_000_000_000);
        Option<string> distribution = CommonOptions.Word("--distribution", "How keys are drawn", "uniform", "zipf");
        Option<int> pages = CommonOptions.Number("--pages", "N", "Grains with large states", 64, 1, 100_000);
        Option<int> pageBytes = CommonOptions.Number("--page-bytes", "N", "The size of a large state", 1 << 20, 1000, 1 << 24);
        Option<int> edits = CommonOptions.Number("--edits", "N", "Events for large states in one repetition", 4_000_000, 1, 1_000_000_000);
        Option<int> rounds = CommonOptions.Number("--rounds", "N", "Checkpoints of all large states, each after one event for each", 20, 1, 1_000_000);
        Option<int> every = CommonOptions.Number("--every-ms", "MS", "The fixed interval", 2000, 1, 3_600_000);
        Command command = new("checkpoint", "The work of throughput without checkpoints, with checkpoints at a fixed interval, and with those of the defaults; and large states of which a thousandth changes")
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

    /// <summary>A fixed interval is one that checkpoints may not stretch, however much of the time they take.</summary>
    private PipelineOptions OptionsOf(CheckpointMode mode) => mode switch
    {
        CheckpointMode.Off => new() { Tune = o => o with { CheckpointEveryMs = 1L << 40, CheckpointBytes = long.MaxValue } },
        CheckpointMode.Fixed => new() { Tune = o => o with { CheckpointEveryMs = load.EveryMs, CheckpointOverhead = double.PositiveInfinity } },
        _ => new(),
    };

    private async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        using var folder = BenchFolder.Create(common.Data);
        await MeasureSmallAsync(folder, cancellationToken);
        Rounds rounds = await MeasureLargeAsync(folder, cancellationToken);
        double changed = (double)load.Events * Unsafe.SizeOf<Tally>();
        new Report("checkpoint", $"checkpoint: fixed is every {load.EveryMs:N0} ms; on {folder.Kind}, medians of {common.Runs} runs")
            .With("keys", load.Keys).With("events", load.Events).With("distribution", load.Distribution).With("pages", load.Pages).With("pageBytes", load.PageBytes)
            .With("edits", load.Edits).With("rounds", load.Rounds).With("everyMs", load.EveryMs).With("seed", common.Seed).With("runs", common.Runs).With("fileSystem", folder.Kind)
            .With("results", new JsonArray(
                Row("small", _small, CheckpointMode.Fixed),
                Row("small", _small, CheckpointMode.Adaptive),
                Row("large", _large, CheckpointMode.Fixed),
                Row("large", _large, CheckpointMode.Adaptive)))
            .Add("overheadPercent", _small.OverheadPercent(CheckpointMode.Fixed), "N1")
            .Add("cpuOverheadPercent", _small.CpuOverheadPercent(CheckpointMode.Fixed), "N1")
            .Add("largeOverheadPercent", _large.OverheadPercent(CheckpointMode.Fixed), "N1")
            .Add("adaptiveOverheadPercent", _small.OverheadPercent(CheckpointMode.Adaptive), "N1", Aim.Most(5))
            .Add("adaptiveCpuOverheadPercent", _small.CpuOverheadPercent(CheckpointMode.Adaptive), "N1")
            .Add("adaptiveLargeOverheadPercent", _large.OverheadPercent(CheckpointMode.Adaptive), "N1", Aim.Most(5))
            .Add("smallWrittenBytesPerChangedByte", _small.Written(CheckpointMode.Fixed) / changed, "N2")
            .Add("writtenBytesPerChangedByte", rounds.WrittenBytesPerChangedByte, "N2", Aim.Most(2))
            .Add("mergedBytesPerChangedByte", rounds.MergedBytesPerChangedByte, "N2")
            .Add("wrongStates", rounds.WrongStates, "N0", Aim.Most(0))
            .Print(common.Json);
        return rounds.WrongStates == 0 ? 0 : 1;
    }

    private async Task MeasureSmallAsync(BenchFolder folder, CancellationToken cancellationToken)
    {
        KeySequence keys = KeySequence.Draw(load.Distribution, load.Keys, common.Seed);
        await using Pipeline off = await StartAsync(CheckpointMode.Off), fix = await StartAsync(CheckpointMode.Fixed), adaptive = await StartAsync(CheckpointMode.Adaptive);
        var all = new Dictionary<CheckpointMode, Pipeline> { [CheckpointMode.Off] = off, [CheckpointMode.Fixed] = fix, [CheckpointMode.Adaptive] = adaptive };
        foreach ((CheckpointMode mode, Pipeline pipeline) in all)
        {
            await pipeline.FeedAsync($"warm-up, checkpoints {mode.ToString().ToLowerInvariant()}", load.Keys + load.Events, cancellationToken);
        }

        await _small.RunAsync(all.ToDictionary(p => p.Key, p => p.Value.Bench), (mode, step) => all[mode].FeedAsync(step, load.Events, cancellationToken), cancellationToken);

        Task<Pipeline> StartAsync(CheckpointMode mode) => Pipeline.StartAsync("long", folder[$"small-{mode}"], keys, OptionsOf(mode), cancellationToken);
    }

    private async Task<Rounds> MeasureLargeAsync(BenchFolder folder, CancellationToken cancellationToken)
    {
        await using PageWork off = await StartAsync(CheckpointMode.Off), fix = await StartAsync(CheckpointMode.Fixed), adaptive = await StartAsync(CheckpointMode.Adaptive);
        var all = new Dictionary<CheckpointMode, PageWork> { [CheckpointMode.Off] = off, [CheckpointMode.Fixed] = fix, [CheckpointMode.Adaptive] = adaptive };
        foreach (PageWork pages in all.Values)
        {
            await pages.FeedAsync(load.Pages, cancellationToken);
        }

        await _large.RunAsync(all.ToDictionary(p => p.Key, p => p.Value.Bench), (mode, step) => FeedAsync(all[mode], step), cancellationToken);
        return await MeasureRoundsAsync(fix, cancellationToken);

        Task<PageWork> StartAsync(CheckpointMode mode) => PageWork.StartAsync(folder[$"large-{mode}"], load.Pages, load.PageBytes, OptionsOf(mode), cancellationToken);

        Task FeedAsync(PageWork pages, string step) => Progress.ShowAsync(step, 1, () => 0, async () =>
        {
            await pages.FeedAsync(load.Edits, cancellationToken);
            return 0;
        });
    }

    /// <summary>Rounds of one event for each page and one checkpoint: how much was changed is known exactly.</summary>
    private async Task<Rounds> MeasureRoundsAsync(PageWork pages, CancellationToken cancellationToken)
    {
        await pages.Bench.CheckpointAsync(cancellationToken);
        long mergedBefore = pages.Bench.MergedBytes;
        long written = await Progress.ShowAsync("large states: rounds", load.Rounds, () => 0, async () =>
        {
            long sum = 0;
            for (int round = 0; round < load.Rounds; round++)
            {
                await pages.FeedAsync(load.Pages, cancellationToken);
                sum += await pages.Bench.CheckpointAsync(cancellationToken);
            }

            return sum;
        });
        double changed = (double)pages.ChangedBytesPerEvent * load.Pages * load.Rounds;
        return new Rounds(written / changed, (pages.Bench.MergedBytes - mergedBefore) / changed, await pages.CountWrongStatesAsync(cancellationToken));
    }

    private static JsonObject Row(string states, CheckpointComparison measured, CheckpointMode mode) => new()
    {
        ["states"] = states,
        ["mode"] = mode.ToString().ToLowerInvariant(),
        ["overheadPercent"] = Finite(measured.OverheadPercent(mode)),
        ["cpuOverheadPercent"] = Finite(measured.CpuOverheadPercent(mode)),
        ["checkpoints"] = measured.Checkpoints(mode),
        ["writtenBytes"] = measured.Written(mode),
    };

    private static JsonNode? Finite(double value) => double.IsFinite(value) ? JsonValue.Create(Math.Round(value, 3)) : null;

    internal sealed record Load(int Keys, int Events, string Distribution, int Pages, int PageBytes, int Edits, int Rounds, int EveryMs);

    private sealed record Rounds(double WrittenBytesPerChangedByte, double MergedBytesPerChangedByte, long WrongStates);
}

using System.CommandLine;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace OrleansStreaming.Benchmarks;

/// <summary>What checkpoints cost: in events that are not processed meanwhile, and in bytes written.</summary>
internal sealed class CheckpointScenario(Common common, CheckpointScenario.Load load)
{
    private const string Small = "small", Large = "large", Rewritten = "rewritten", Bytes = "bytes", Target = "target";
    private readonly CheckpointComparison _small = new("small", common.Runs, load.Seconds);
    private readonly CheckpointComparison _large = new("large", common.Runs, load.Seconds);
    private readonly CheckpointComparison _rewritten = new("rewritten large", common.Runs, load.Seconds);
    private readonly CheckpointRounds _rounds = new(load.PageBytes, load.Rounds);

    public static Command Command()
    {
        Option<string[]> parts = new("--parts")
        {
            Description = "What is measured: the overhead with small states, with large ones of which a thousandth changes, with large ones that change in whole; the bytes that large ones take; and how long recovery takes, of its target",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [Small, Large, Rewritten, Bytes, Target],
        };
        parts.AcceptOnlyFromAmong(Small, Large, Rewritten, Bytes, Target);
        Option<int> keys = CommonOptions.Number("--keys", "N", "Grains with small states", 1_000_000, 1, 100_000_000);
        Option<int> events = CommonOptions.Number("--events", "N", "Events for small states in one repetition, or in a part of it", 30_000_000, 1000, 1_000_000_000);
        Option<string> distribution = CommonOptions.Word("--distribution", "How keys are drawn", "uniform", "zipf");
        Option<int> pages = CommonOptions.Number("--pages", "N", "Grains with large states", 64, 1, 100_000);
        Option<int> pageBytes = CommonOptions.Number("--page-bytes", "N", "The size of a large state", 1 << 20, 1000, 1 << 24);
        Option<int> edits = CommonOptions.Number("--edits", "N", "Events for large states in one repetition, or in a part of it", 4_000_000, 1, 1_000_000_000);
        Option<int> seconds = CommonOptions.Number("--seconds", "S", "How long a repetition takes at least: its events are fed as often as that needs", 4, 0, 3600);
        Option<int[]> mib = new("--mib") { Description = "How much of large states there is when bytes are counted, MiB", HelpName = "N", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [64] };
        Option<int> rounds = CommonOptions.Number("--rounds", "N", "Checkpoints of all large states, each after one event for each, when bytes are counted", 100, 1, 1_000_000);
        Option<int> every = CommonOptions.Number("--every-ms", "MS", "The fixed interval", 2000, 1, 3_600_000);
        Option<int> target = CommonOptions.Number("--target-ms", "MS", "How long recovery may take, when that is measured", 1000, 100, 3_600_000);
        Command command = new("checkpoint", "Work without checkpoints, with checkpoints at a fixed interval, and with those of the defaults; and what checkpoints of large states write")
        {
            parts, keys, events, distribution, pages, pageBytes, edits, seconds, mib, rounds, every, target,
        };
        CommonOptions common = CommonOptions.AddTo(command, runs: 9);
        command.SetAction((parsed, cancellationToken) => new CheckpointScenario(common.Read(parsed), new Load(
            parsed.GetValue(parts)!,
            parsed.GetValue(keys),
            parsed.GetValue(events),
            parsed.GetValue(distribution)!,
            parsed.GetValue(pages),
            parsed.GetValue(pageBytes),
            parsed.GetValue(edits),
            parsed.GetValue(seconds),
            parsed.GetValue(mib)!,
            parsed.GetValue(rounds),
            parsed.GetValue(every),
            parsed.GetValue(target))).RunAsync(cancellationToken));
        return command;
    }

    /// <summary>A fixed interval is one that checkpoints may not stretch, however much of the time they take.</summary>
    private PipelineOptions OptionsOf(CheckpointMode mode) => new()
    {
        Tune = o => (mode switch
        {
            CheckpointMode.Off => o with { CheckpointEveryMs = 1L << 40, CheckpointBytes = long.MaxValue },
            CheckpointMode.Fixed => o with { CheckpointEveryMs = load.EveryMs, CheckpointOverhead = double.PositiveInfinity },
            _ => o,
        }) with { TrimEveryMs = CheckpointComparison.TrimEveryMs },
    };

    private async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        using var folder = BenchFolder.Create(common.Data);
        Report report = new Report("checkpoint", $"checkpoint: fixed is every {load.EveryMs:N0} ms; on {folder.Kind}, medians of {common.Runs} runs")
            .With("keys", load.Keys).With("events", load.Events).With("distribution", load.Distribution).With("pages", load.Pages).With("pageBytes", load.PageBytes)
            .With("edits", load.Edits).With("leastSeconds", load.Seconds).With("rounds", load.Rounds).With("everyMs", load.EveryMs).With("seed", common.Seed).With("runs", common.Runs).With("fileSystem", folder.Kind);
        var results = new JsonArray();
        if (load.Parts.Contains(Small))
        {
            await MeasureSmallAsync(folder, cancellationToken);
            AddOverheads(report, results, _small, "", "adaptive");
            double changed = (double)load.Events * _small.Rounds * Unsafe.SizeOf<Tally>();
            report.Add("smallWrittenBytesPerChangedByte", _small.Written(CheckpointMode.Fixed) / changed, "N2");
        }

        if (load.Parts.Contains(Large))
        {
            await MeasureLargeAsync(_large, folder, "large", load.Edits, cancellationToken); // One place in each part of a repetition.
            AddOverheads(report, results, _large, "large", "adaptiveLarge");
        }

        if (load.Parts.Contains(Rewritten))
        {
            await MeasureLargeAsync(_rewritten, folder, "rewritten", 1, cancellationToken);
            AddOverheads(report, results, _rewritten, "rewritten", "adaptiveRewritten");
        }

        if (load.Parts.Contains(Bytes))
        {
            await MeasureBytesAsync(report, folder, cancellationToken);
        }

        if (load.Parts.Contains(Target))
        {
            await MeasureTargetAsync(report, folder, cancellationToken);
        }

        report.With("results", results).Print(common.Json);
        return load.Parts.Contains(Bytes) && _rounds.WrongStates > 0 ? 1 : 0;
    }

    private async Task MeasureSmallAsync(BenchFolder folder, CancellationToken cancellationToken)
    {
        KeySequence keys = KeySequence.Draw(load.Distribution, load.Keys, common.Seed);
        await using Pipeline off = await StartAsync(CheckpointMode.Off), fix = await StartAsync(CheckpointMode.Fixed), adaptive = await StartAsync(CheckpointMode.Adaptive);
        var all = new Dictionary<CheckpointMode, Pipeline> { [CheckpointMode.Off] = off, [CheckpointMode.Fixed] = fix, [CheckpointMode.Adaptive] = adaptive };
        foreach ((CheckpointMode mode, Pipeline pipeline) in all)
        {
            await pipeline.FeedAsync($"every key once, checkpoints {mode.ToString().ToLowerInvariant()}", load.Keys, cancellationToken);
        }

        await _small.RunAsync(all.ToDictionary(p => p.Key, p => p.Value.Bench), (mode, step) => all[mode].FeedAsync(step, load.Events, cancellationToken), cancellationToken);

        Task<Pipeline> StartAsync(CheckpointMode mode) => Pipeline.StartAsync("long", folder[$"small-{mode}"], keys, OptionsOf(mode), cancellationToken);
    }

    private async Task MeasureLargeAsync(CheckpointComparison comparison, BenchFolder folder, string name, int perPlace, CancellationToken cancellationToken)
    {
        await using PageWork off = await StartAsync(CheckpointMode.Off), fix = await StartAsync(CheckpointMode.Fixed), adaptive = await StartAsync(CheckpointMode.Adaptive);
        var all = new Dictionary<CheckpointMode, PageWork> { [CheckpointMode.Off] = off, [CheckpointMode.Fixed] = fix, [CheckpointMode.Adaptive] = adaptive };
        await comparison.RunAsync(all.ToDictionary(p => p.Key, p => p.Value.Bench), (mode, step) => FeedAsync(all[mode], step), cancellationToken);

        Task<PageWork> StartAsync(CheckpointMode mode) => PageWork.StartAsync(folder[$"{name}-{mode}"], load.Pages, load.PageBytes, perPlace, OptionsOf(mode), cancellationToken);

        Task FeedAsync(PageWork pages, string step) => Progress.ShowAsync(step, 1, () => 0, async () =>
        {
            await pages.FeedAsync(load.Edits, cancellationToken);
            return 0;
        });
    }

    private async Task MeasureBytesAsync(Report report, BenchFolder folder, CancellationToken cancellationToken)
    {
        foreach (int mib in load.Mib)
        {
            await _rounds.MeasureAsync(folder[$"bytes-{mib}"], mib, OptionsOf(CheckpointMode.Off), cancellationToken);
        }

        Table table = new Table().RoundedBorder().BorderColor(Color.Grey).AddColumns("MiB of large states", "written bytes per changed byte", "merged on top");
        foreach (string[] row in _rounds.Rows)
        {
            table.AddRow(row);
        }

        report.Under(table).With("sizes", _rounds.ToJson())
            .Add("writtenBytesPerChangedByte", _rounds.WrittenPerChanged, "N2", Aim.Most(2))
            .Add("mergedBytesPerChangedByte", _rounds.MergedPerChanged, "N2")
            .Add("wrongStates", _rounds.WrongStates, "N0", Aim.Most(0));
    }

    private async Task MeasureTargetAsync(Report report, BenchFolder folder, CancellationToken cancellationToken)
    {
        var target = new CheckpointTarget(load.TargetMs, common.Runs, common.Seed);
        KeySequence keys = KeySequence.Draw(load.Distribution, load.Keys, common.Seed);
        await using (Pipeline small = await Pipeline.StartAsync("long", folder["target-small"], keys, target.Options, cancellationToken))
        {
            await small.FeedAsync("every grain once", load.Keys, cancellationToken);
            await target.MeasureAsync(Small, small.Bench, () => small.FeedAsync("work", load.Events / 50, cancellationToken), cancellationToken);
        }

        await using (PageWork large = await PageWork.StartAsync(folder["target-large"], load.Pages, load.PageBytes, 1, target.Options, cancellationToken))
        {
            await target.MeasureAsync(Large, large.Bench, () => large.FeedAsync(load.Edits / 50, cancellationToken), cancellationToken);
        }

        report.With("targetMs", load.TargetMs).With("recoveries", target.ToJson())
            .Add("recoveryOfTarget", target.OfTarget(Small), "N2", Aim.Most(1))
            .Add("largeRecoveryOfTarget", target.OfTarget(Large), "N2", Aim.Most(1));
    }

    private static void AddOverheads(Report report, JsonArray results, CheckpointComparison measured, string fix, string adaptive)
    {
        report
            .Add(Field(fix, "OverheadPercent"), measured.OverheadPercent(CheckpointMode.Fixed), "N1")
            .Add(Field(fix, "CpuOverheadPercent"), measured.CpuOverheadPercent(CheckpointMode.Fixed), "N1")
            .Add(Field(adaptive, "OverheadPercent"), measured.OverheadPercent(CheckpointMode.Adaptive), "N1", Aim.Most(5))
            .Add(Field(adaptive, "CpuOverheadPercent"), measured.CpuOverheadPercent(CheckpointMode.Adaptive), "N1")
            .Add(Field(adaptive, "SharePercent"), measured.SharePercent(CheckpointMode.Adaptive), "N1");
        foreach (CheckpointMode mode in Enum.GetValues<CheckpointMode>())
        {
            results.Add(new JsonObject
            {
                ["states"] = measured.States,
                ["mode"] = mode.ToString().ToLowerInvariant(),
                ["overheadPercent"] = Finite(measured.OverheadPercent(mode)),
                ["cpuOverheadPercent"] = Finite(measured.CpuOverheadPercent(mode)),
                ["sharePercent"] = Finite(measured.SharePercent(mode)),
                ["checkpoints"] = measured.Checkpoints(mode),
                ["writtenBytes"] = measured.Written(mode),
                ["rounds"] = measured.Rounds,
                ["seconds"] = new JsonArray([.. measured.Seconds(mode).Select(s => JsonValue.Create(Math.Round(s, 3)))]),
            });
        }

        static string Field(string prefix, string name) => prefix.Length > 0 ? prefix + name : char.ToLowerInvariant(name[0]) + name[1..];
    }

    private static JsonNode? Finite(double value) => double.IsFinite(value) ? JsonValue.Create(Math.Round(value, 3)) : null;

    internal sealed record Load(
        string[] Parts, int Keys, int Events, string Distribution, int Pages, int PageBytes, int Edits, int Seconds, int[] Mib, int Rounds, int EveryMs, int TargetMs);
}

using System.CommandLine;
using System.Text.Json.Nodes;
using OrleansStreaming.Storage.Files;
using Spectre.Console;

namespace OrleansStreaming.Benchmarks;

/// <summary>How long an event takes from when it should have been sent to its release, under a steady load.</summary>
internal sealed class LatencyScenario(Common common, LatencyScenario.Load load)
{
    private BenchAzurite? _azurite;

    public static Command Command()
    {
        Option<int[]> depths = new("--depths") { Description = "How many operators in a row", HelpName = "N", DefaultValueFactory = _ => [1, 3, 5], AllowMultipleArgumentsPerToken = true };
        Option<int> rate = CommonOptions.Number("--rate", "N", "Events a second, offered whatever happens", 50_000, 1, 10_000_000);
        Option<int> duration = CommonOptions.Number("--duration-ms", "MS", "For how long each repetition offers events that are counted", 3000, 50, 3_600_000);
        Option<int> warmUp = CommonOptions.Number("--warm-up-ms", "MS", "For how long before that, until its checkpoints give memory back for new events", 10_000, 0, 3_600_000);
        Option<int> flush = CommonOptions.Number("--flush-ms", "MS", "Everything is also measured with every flush taking that much longer; 0 for not", 10, 0, 10_000);
        Option<int> keys = CommonOptions.Number("--keys", "N", "Different keys", 10_000, 1, 100_000_000);
        Option<int> silos = CommonOptions.Number("--silos", "N", "Silos", 1, 1, 16);
        Option<int> partitions = CommonOptions.Number("--partitions", "N", "Partitions of each stream", 4, 1, 1024);
        depths.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int[]>()?.Any(d => d is < 1 or > 5) ?? false)
            {
                result.AddError("--depths: from 1 to 5 operators.");
            }
        });
        Command command = new("latency", "A steady load through operators in a row to an exactly-once sink, speculative and strict, with fast and with slow flushes")
        {
            depths, rate, duration, warmUp, flush, keys, silos, partitions,
        };
        CommonOptions common = CommonOptions.AddTo(command, blobs: true);
        command.SetAction((parsed, cancellationToken) =>
        {
            Common given = common.Read(parsed);
            return new LatencyScenario(given, new Load(
                parsed.GetValue(depths)!,
                parsed.GetValue(rate),
                parsed.GetValue(duration),
                parsed.GetValue(warmUp),
                given.OnAzurite ? 0 : parsed.GetValue(flush), // Its flushes are slow enough.
                parsed.GetValue(keys),
                parsed.GetValue(silos),
                parsed.GetValue(partitions))).RunAsync(cancellationToken);
        });
        return command;
    }

    private async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        using var folder = BenchFolder.Create(common.Data);
        await using BenchAzurite? azurite = await BenchAzurite.StartAsync(common, folder, cancellationToken);
        _azurite = azurite;
        int[] flushes = load.FlushMs == 0 ? [0] : [0, load.FlushMs];
        LatencyCase[] cases = [.. flushes.SelectMany(f => new[] { false, true }.SelectMany(strict => load.Depths.Select(d => new LatencyCase(f, strict, d))))];
        RawFlush yardstick = RawFlush.Measure(folder["raw"]);
        await MeasureAsync(folder["warm-up"], cases[0] with { Depth = load.Depths.Max() }, "warm-up", cancellationToken);

        // Round by round, so that a noisy moment of the machine falls on all cases.
        var figures = cases.ToDictionary(c => c, _ => new List<LatencyFigures>());
        for (int run = 1; run <= common.Runs; run++)
        {
            foreach (LatencyCase each in cases)
            {
                figures[each].Add(await MeasureAsync(folder[$"{run}-{each.FlushMs}-{each.Mode}-{each.Depth}"], each, $"run {run} of {common.Runs}: {each}", cancellationToken));
            }
        }

        LatencyResult[] results = [.. cases.Select(c => LatencyResult.Of(c, figures[c]))];
        Print(results, azurite is null ? folder.Kind : "Azurite", yardstick);
        return results.All(r => r.Median.Wrong == 0) ? 0 : 1;
    }

    private async Task<LatencyFigures> MeasureAsync(string path, LatencyCase what, string step, CancellationToken cancellationToken)
    {
        int warmUp = (int)((long)load.Rate * load.WarmUpMs / 1000), events = warmUp + (int)((long)load.Rate * load.DurationMs / 1000);
        var sink = new LatencySink(events);
        await using BenchEngine bench = await BenchEngine.StartAsync(
            path,
            s =>
            {
                for (int hop = 0; hop <= what.Depth; hop++)
                {
                    s.AddStream<Stamped>(Pipeline.StreamOf(hop), e => e.Key % load.Keys, o => _ = what.Strict ? o.Partitions(load.Partitions).Strict() : o.Partitions(load.Partitions));
                    _ = hop < what.Depth
                        ? s.AddOperator<Relay>(Pipeline.StreamOf(hop), Pipeline.StreamOf(hop + 1), $"operator{hop}")
                        : s.AddSink(Pipeline.StreamOf(hop), _ => sink);
                }
            },
            new PipelineOptions { Silos = load.Silos, Azurite = _azurite, Files = f => f.FlushDelay = TimeSpan.FromMilliseconds(what.FlushMs) },
            cancellationToken);
        BlobRequests? requests = bench.Requests;
        MemoryUse before = default;
        await Progress.ShowAsync(step, events, () => sink.Released, async () =>
        {
            await new SentLoad(load.Rate, events, load.Keys, common.Seed)
                .PublishAsync(bench.Engine, Pipeline.StreamOf(0), warmUp, () => before = MemoryUse.Now, cancellationToken);
            await bench.WhenDoneAsync(() => sink.Released >= events, cancellationToken);
            return 0;
        });
        if (requests is not null)
        {
            Progress.Note($"  {step}: {bench.Requests!.Since(requests).Per(events)}");
        }

        return LatencyFigures.Of(sink, warmUp, bench.Commits, MemoryUse.Now - before, load.Silos == 1);
    }

    private void Print(LatencyResult[] results, string fileSystem, RawFlush yardstick)
    {
        Table table = new Table().RoundedBorder().BorderColor(Color.Grey).Title($"latency at {load.Rate:N0} events/s in ms, from the intended time to release")
            .AddColumns("flush", "mode", "operators", "commit p50", "p99", "event p50", "in commits", "p99", "sender late p99", "collector paused", "collections", "bytes an event");
        Table stages = new Table().RoundedBorder().BorderColor(Color.Grey).Title("where the time goes in ms: p50 / p99 / mean of the slowest 1 %")
            .AddColumns(["flush", "mode", "operators", .. results[0].Median.Stages.Select(s => s.Name)]);
        foreach (LatencyResult r in results)
        {
            string[] what = [r.Case.FlushMs == 0 ? "disk" : $"disk + {r.Case.FlushMs} ms", r.Case.Mode, $"{r.Case.Depth}"];
            LatencyFigures m = r.Median;
            table.AddRow([.. what, $"{m.CommitP50Ms:N2}", $"{m.CommitP99Ms:N2}", $"{m.P50Ms:N2}", $"{r.P50InCommits:N1}", $"{m.P99Ms:N2}", $"{m.SenderLateP99Ms:N2}", $"{m.PausedMs:N0}", $"{m.Collections:N0}", $"{m.AllocatedPerEvent:N0}"]);
            stages.AddRow([.. what, .. m.Stages.Select(s => $"{s.P50Ms:N2} / {s.P99Ms:N1} / {s.SlowestMs:N1}")]);
        }

        int shallow = load.Depths.Min(), deep = load.Depths.Max();
        LatencyResult Find(int flush, bool strict, int depth) => results.Single(r => r.Case == new LatencyCase(flush, strict, depth));
        LatencyResult first = Find(0, strict: false, shallow);
        Report report = new Report("latency", $"latency: {load.Silos} silos on {fileSystem}, medians of {common.Runs} runs")
            .Under(table).Under(stages)
            .With("rate", load.Rate).With("durationMs", load.DurationMs).With("warmUpMs", load.WarmUpMs).With("keys", load.Keys).With("silos", load.Silos).With("partitions", load.Partitions)
            .With("seed", common.Seed).With("runs", common.Runs).With("fileSystem", fileSystem)
            .With("results", new JsonArray([.. results.Select(r => r.ToJson())]))
            .With("wrong", results.Sum(r => r.Median.Wrong))
            .Add("rawFlushP50Ms", yardstick.P50Ms, "N3")
            .Add("rawFlushP99Ms", yardstick.P99Ms, "N3")
            .Add("commitP50Ms", first.Median.CommitP50Ms, "N3")
            .Add("p50Ms", first.Median.P50Ms, "N3")
            .Add("p50InCommits", first.P50InCommits, "N1", shallow == 1 ? Aim.Most(4) : null)
            .Add("p99Ms", first.Median.P99Ms, "N3", shallow == 1 && !common.OnAzurite ? Aim.Most(2) : null);
        if (deep > shallow)
        {
            int slow = load.FlushMs;
            report.Add("slowFlushDeepP50InCommits", Find(slow, strict: false, deep).P50InCommits, "N1", deep == 5 && slow > 0 ? Aim.Most(2) : null)
                .Add("strictGrowth", Find(slow, strict: true, deep).Median.P50Ms / Find(slow, strict: true, shallow).Median.P50Ms, "N2")
                .Add("speculativeGrowth", Find(slow, strict: false, deep).Median.P50Ms / Find(slow, strict: false, shallow).Median.P50Ms, "N2", Aim.Most(1.5));
        }

        report.Print(common.Json);
    }

    internal sealed record Load(int[] Depths, int Rate, int DurationMs, int WarmUpMs, int FlushMs, int Keys, int Silos, int Partitions);
}

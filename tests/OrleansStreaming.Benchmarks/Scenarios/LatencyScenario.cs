using System.CommandLine;
using System.Text.Json.Nodes;
using OrleansStreaming.Storage.Files;
using Spectre.Console;

namespace OrleansStreaming.Benchmarks;

/// <summary>How long an event takes from when it should have been sent to its release, under a steady load.</summary>
internal sealed class LatencyScenario(Common common, LatencyScenario.Load load)
{
    public static Command Command()
    {
        Option<int[]> depths = new("--depths") { Description = "How many operators in a row", HelpName = "N", DefaultValueFactory = _ => [1, 3, 5], AllowMultipleArgumentsPerToken = true };
        Option<int> rate = CommonOptions.Number("--rate", "N", "Events a second, offered whatever happens", 50_000, 1, 10_000_000);
        Option<int> duration = CommonOptions.Number("--duration-ms", "MS", "How long each repetition offers events; the first fifth is not counted", 3000, 50, 3_600_000);
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
            depths, rate, duration, flush, keys, silos, partitions,
        };
        CommonOptions common = CommonOptions.AddTo(command);
        command.SetAction((parsed, cancellationToken) => new LatencyScenario(common.Read(parsed), new Load(
            parsed.GetValue(depths)!,
            parsed.GetValue(rate),
            parsed.GetValue(duration),
            parsed.GetValue(flush),
            parsed.GetValue(keys),
            parsed.GetValue(silos),
            parsed.GetValue(partitions))).RunAsync(cancellationToken));
        return command;
    }

    private async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        using var folder = BenchFolder.Create(common.Data);
        int[] flushes = load.FlushMs == 0 ? [0] : [0, load.FlushMs];
        Case[] cases = [.. flushes.SelectMany(f => new[] { false, true }.SelectMany(strict => load.Depths.Select(d => new Case(f, strict, d))))];
        await MeasureAsync(folder["warm-up"], cases[0] with { Depth = load.Depths.Max() }, "warm-up", cancellationToken);

        // Round by round, so that a noisy moment of the machine falls on all cases.
        var figures = cases.ToDictionary(c => c, _ => new List<Figures>());
        for (int run = 1; run <= common.Runs; run++)
        {
            foreach (Case each in cases)
            {
                figures[each].Add(await MeasureAsync(folder[$"{run}-{each.FlushMs}-{each.Mode}-{each.Depth}"], each, $"run {run} of {common.Runs}: {each}", cancellationToken));
            }
        }

        Result[] results = [.. cases.Select(c => Result.Of(c, figures[c]))];
        Print(results, folder.Kind);
        return results.All(r => r.Wrong == 0) ? 0 : 1;
    }

    private async Task<Figures> MeasureAsync(string path, Case what, string step, CancellationToken cancellationToken)
    {
        int events = (int)((long)load.Rate * load.DurationMs / 1000);
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
            new PipelineOptions { Silos = load.Silos, Files = f => f.FlushDelay = TimeSpan.FromMilliseconds(what.FlushMs) },
            cancellationToken);
        var random = new Random(common.Seed);
        var sender = new OpenLoop<Stamped>(
            bench.Engine, Pipeline.StreamOf(0), load.Rate, (number, sent) => new Stamped { Key = random.Next(load.Keys), Number = number, Sent = sent });
        Offered offered = await Progress.ShowAsync(step, events, () => sink.Released, async () =>
        {
            Offered done = await sender.RunAsync(0, events, CancellationToken.None, cancellationToken);
            await bench.WhenDoneAsync(() => sink.Released >= events, cancellationToken);
            return done;
        });
        double[] ms = sink.SortedMs(events / 5);
        return new Figures(Percentile.Of(ms, 0.5), Percentile.Of(ms, 0.99), bench.CommitP50Ms, offered.LateP99Ms, sink.Wrong);
    }

    private void Print(Result[] results, string fileSystem)
    {
        Table table = new Table().RoundedBorder().BorderColor(Color.Grey).Title($"latency at {load.Rate:N0} events/s in ms, from the intended time to release")
            .AddColumns("flush", "mode", "operators", "commit p50", "p50", "p50 in commits", "p99", "sender late p99");
        foreach (Result r in results)
        {
            table.AddRow([r.Case.FlushMs == 0 ? "disk" : $"disk + {r.Case.FlushMs} ms", r.Case.Mode, $"{r.Case.Depth}", $"{r.CommitP50Ms:N2}", $"{r.P50Ms:N2}", $"{r.P50InCommits:N1}", $"{r.P99Ms:N2}", $"{r.SenderLateP99Ms:N2}"]);
        }

        int shallow = load.Depths.Min(), deep = load.Depths.Max();
        Result Find(int flush, bool strict, int depth) => results.Single(r => r.Case == new Case(flush, strict, depth));
        Result first = Find(0, strict: false, shallow);
        Report report = new Report("latency", $"latency: {load.Silos} silos on {fileSystem}, medians of {common.Runs} runs")
            .Under(table)
            .With("rate", load.Rate).With("durationMs", load.DurationMs).With("keys", load.Keys).With("silos", load.Silos).With("partitions", load.Partitions)
            .With("seed", common.Seed).With("runs", common.Runs).With("fileSystem", fileSystem)
            .With("results", new JsonArray([.. results.Select(r => r.ToJson())]))
            .With("wrong", results.Sum(r => r.Wrong))
            .Add("commitP50Ms", first.CommitP50Ms, "N3")
            .Add("p50Ms", first.P50Ms, "N3")
            .Add("p50InCommits", first.P50InCommits, "N1", shallow == 1 ? Aim.Most(4) : null)
            .Add("p99Ms", first.P99Ms, "N3", shallow == 1 ? Aim.Most(2) : null);
        if (deep > shallow)
        {
            int slow = load.FlushMs;
            report.Add("slowFlushDeepP50InCommits", Find(slow, strict: false, deep).P50InCommits, "N1", deep == 5 && slow > 0 ? Aim.Most(2) : null)
                .Add("strictGrowth", Find(slow, strict: true, deep).P50Ms / Find(slow, strict: true, shallow).P50Ms, "N2")
                .Add("speculativeGrowth", Find(slow, strict: false, deep).P50Ms / Find(slow, strict: false, shallow).P50Ms, "N2", Aim.Most(1.5));
        }

        report.Print(common.Json);
    }

    internal sealed record Load(int[] Depths, int Rate, int DurationMs, int FlushMs, int Keys, int Silos, int Partitions);

    private sealed record Case(int FlushMs, bool Strict, int Depth)
    {
        public string Mode => Strict ? "strict" : "speculative";

        public override string ToString() => $"{Depth} operators, {Mode}, flushes {(FlushMs == 0 ? "as the disk is" : $"+ {FlushMs} ms")}";
    }

    private sealed record Figures(double P50Ms, double P99Ms, double CommitP50Ms, double SenderLateP99Ms, int Wrong);

    private sealed record Result(Case Case, double P50Ms, double P99Ms, double CommitP50Ms, double P50InCommits, double SenderLateP99Ms, int Wrong)
    {
        public static Result Of(Case what, List<Figures> runs) => new(
            what,
            Median.Of(runs, r => r.P50Ms),
            Median.Of(runs, r => r.P99Ms),
            Median.Of(runs, r => r.CommitP50Ms),
            Median.Of(runs, r => r.P50Ms / r.CommitP50Ms),
            Median.Of(runs, r => r.SenderLateP99Ms),
            runs.Sum(r => r.Wrong));

        public JsonObject ToJson() => new()
        {
            ["depth"] = Case.Depth,
            ["mode"] = Case.Mode,
            ["flushMs"] = Case.FlushMs,
            ["p50Ms"] = Math.Round(P50Ms, 4),
            ["p99Ms"] = Math.Round(P99Ms, 4),
            ["commitP50Ms"] = Math.Round(CommitP50Ms, 4),
            ["p50InCommits"] = Math.Round(P50InCommits, 3),
            ["senderLateP99Ms"] = Math.Round(SenderLateP99Ms, 4),
            ["wrong"] = Wrong,
        };
    }
}

using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace OrleansStreaming.Benchmarks;

/// <summary>How long it takes to open a partition with many checkpointed grains and to serve one event, and what that keeps in memory.</summary>
internal sealed class OpenScenario(Common common, int[] sizes)
{
    private const string Stream = "inputs";
    private const string Operator = "counts";

    public static Command Command()
    {
        Option<int[]> grains = new("--grains") { Description = "How many grains the partition has", HelpName = "N", DefaultValueFactory = _ => [10_000, 100_000, 1_000_000], AllowMultipleArgumentsPerToken = true };
        grains.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int[]>()?.Any(n => n is < 1 or > 100_000_000) ?? false)
            {
                result.AddError("--grains: from 1 to 100,000,000.");
            }
        });
        Command command = new("open", "Opens a partition of checkpointed grains, and serves one event") { grains };
        CommonOptions common = CommonOptions.AddTo(command);
        command.SetAction((parsed, cancellationToken) => new OpenScenario(common.Read(parsed), parsed.GetValue(grains)!).RunAsync(cancellationToken));
        return command;
    }

    private async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        using var folder = BenchFolder.Create(common.Data);
        await MeasureAsync(folder["warm-up"], sizes.Min(), 1, cancellationToken);
        var results = new List<Result>();
        foreach (int grains in sizes)
        {
            results.Add(await MeasureAsync(folder[grains.ToString(CultureInfo.InvariantCulture)], grains, common.Runs, cancellationToken));
        }

        Table table = new Table().RoundedBorder().BorderColor(Color.Grey).AddColumns("grains", "openMs", "firstEventMs", "residentBytes");
        foreach (Result r in results)
        {
            table.AddRow($"{r.Grains:N0}", $"{r.OpenMs:N1}", $"{r.FirstEventMs:N2}", $"{r.ResidentBytes:N0}");
        }

        Result least = results.MinBy(r => r.Grains)!, most = results.MaxBy(r => r.Grains)!;
        new Report("open", $"open: one partition on {folder.Kind}, {most.Grains:N0} grains, medians of {common.Runs} runs")
            .Under(table)
            .With("grains", most.Grains).With("seed", common.Seed).With("runs", common.Runs).With("fileSystem", folder.Kind)
            .With("results", new JsonArray([.. results.Select(r => r.ToJson())]))
            .Add("openMs", most.OpenMs, "N1")
            .Add("firstEventMs", most.FirstEventMs, "N2")
            .Add("residentBytes", most.ResidentBytes, "N0")
            .Add("openMsGrowth", most.OpenMs / least.OpenMs, "N2", Aim.Most(2))
            .Add("residentBytesGrowth", most.ResidentBytes / least.ResidentBytes, "N2", Aim.Most(2))
            .Add("wrongStates", results.Sum(r => r.WrongStates), "N0", Aim.Most(0))
            .Print(common.Json);
        return results.All(r => r.WrongStates == 0) ? 0 : 1;
    }

    private async Task<Result> MeasureAsync(string path, int grains, int runs, CancellationToken cancellationToken)
    {
        await MakeAsync(path, grains, cancellationToken);
        var openings = new List<Opening>();
        for (int run = 1; run <= runs; run++)
        {
            Progress.Note($"{grains:N0} grains: opened, run {run} of {runs}");
            openings.Add(await OpenAsync(path, new Random(common.Seed + run).Next(grains), cancellationToken));
        }

        return new Result(
            grains, Median.Of(openings, o => o.OpenMs), Median.Of(openings, o => o.FirstEventMs), Median.Of(openings, o => o.ResidentBytes), openings.Count(o => !o.IsRight));
    }

    private static async Task MakeAsync(string path, int grains, CancellationToken cancellationToken)
    {
        await using BenchEngine bench = await StartAsync(path, cancellationToken);
        await Progress.ShowAsync($"{grains:N0} grains: made and checkpointed", grains, () => bench.Turns, async () =>
        {
            var feeder = new PublishFeeder<Input>(bench.Engine, Stream, n => new Input { Key = n, Number = n, Amount = 1 }, 100_000);
            await feeder.FeedAsync(0, grains, () => bench.Turns, cancellationToken);
            await bench.StopAsync(cancellationToken);
            return 0;
        });
    }

    /// <summary>A method of its own, so that nothing of the engine before is still referred to.</summary>
    private static async Task<Opening> OpenAsync(string path, long key, CancellationToken cancellationToken)
    {
        long before = await LiveBytesAsync(cancellationToken), started = Stopwatch.GetTimestamp();
        await using BenchEngine bench = await StartAsync(path, cancellationToken);
        double openMs = Stopwatch.GetElapsedTime(started).TotalMilliseconds;

        long sent = Stopwatch.GetTimestamp();
        Task<IngestAnswer> publishing = bench.Engine.PublishAsync(Stream, [new Input { Key = key, Amount = 1 }], cancellationToken);
        while (bench.Turns == 0)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await Task.Yield();
        }

        double firstMs = Stopwatch.GetElapsedTime(sent).TotalMilliseconds;
        await publishing;
        long resident = await LiveBytesAsync(cancellationToken) - before;
        bool right = await CountAsync(bench, key, cancellationToken) >= 2; // Its checkpoint, and the event on top.
        await bench.StopAsync(cancellationToken);
        return new Opening(openMs, firstMs, resident, right);
    }

    /// <summary>What is referred to, once what has ended is gone: the threads of an engine take a moment.</summary>
    private static async Task<long> LiveBytesAsync(CancellationToken cancellationToken)
    {
        long before = long.MaxValue;
        while (true)
        {
            long now = GC.GetTotalMemory(forceFullCollection: true);
            if (now >= before - (16 << 10))
            {
                return now;
            }

            before = now;
            GC.WaitForPendingFinalizers();
            await Task.Delay(100, cancellationToken);
        }
    }

    private static Task<BenchEngine> StartAsync(string path, CancellationToken cancellationToken) => BenchEngine.StartAsync(
        path,
        s => s.AddStream<Input>(Stream, i => i.Key, o => o.Partitions(1)).AddOperator<Silent>(Stream, name: Operator),
        new PipelineOptions { Engine = o => o.DrainTimeout = TimeSpan.FromMinutes(10) },
        cancellationToken);

    private static async Task<long> CountAsync(BenchEngine bench, long key, CancellationToken cancellationToken)
    {
        GrainState? state = await bench.Engine.GetStateAsync(Operator, key.ToString(CultureInfo.InvariantCulture), stable: true, cancellationToken);
        return state is null ? 0 : JsonDocument.Parse(state.Json).RootElement.GetProperty("count").GetInt64();
    }

    private sealed record Opening(double OpenMs, double FirstEventMs, double ResidentBytes, bool IsRight);

    private sealed record Result(int Grains, double OpenMs, double FirstEventMs, double ResidentBytes, long WrongStates)
    {
        public JsonObject ToJson() => new()
        {
            ["grains"] = Grains,
            ["openMs"] = Math.Round(OpenMs, 3),
            ["firstEventMs"] = Math.Round(FirstEventMs, 3),
            ["residentBytes"] = ResidentBytes,
        };
    }
}

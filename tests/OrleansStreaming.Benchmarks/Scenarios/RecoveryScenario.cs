using System.CommandLine;
using System.Diagnostics;
using System.Text.Json.Nodes;
using OrleansStreaming.Core;
using Spectre.Console;

namespace OrleansStreaming.Benchmarks;

/// <summary>One of several silos dies under a steady load: what goes back, and how long it takes.</summary>
internal sealed class RecoveryScenario(Common common, RecoveryScenario.Load load)
{
    private static readonly string[] Modes = ["exact", "silo", "global"];
    private static readonly TimeSpan DipWindow = TimeSpan.FromMilliseconds(500);

    private BenchAzurite? _azurite;

    public static Command Command()
    {
        Option<string> mode = CommonOptions.Word("--mode", "Whose figures are the headline: what the product did, or what coarser policies would have done in the same run (computed)", Modes);
        Option<int> grains = CommonOptions.Number("--grains", "N", "Grains with state, half of them of each of two operators", 1_000_000, 2, 100_000_000);
        Option<int> rate = CommonOptions.Number("--rate", "N", "Events a second", 20_000, 1, 10_000_000);
        Option<int> before = CommonOptions.Number("--before-ms", "MS", "How long the load runs before the kill", 4000, 1, 3_600_000);
        Option<int> after = CommonOptions.Number("--after-ms", "MS", "How long it runs behind it", 2000, 1, 3_600_000);
        Option<int> silos = CommonOptions.Number("--silos", "N", "Silos", 4, 2, 16);
        Option<int> partitions = CommonOptions.Number("--partitions", "N", "Partitions of each stream", 16, 1, 1024);
        Option<int> flush = CommonOptions.Number("--flush-ms", "MS", "How much longer every flush takes, so that something is lost", 10, 0, 10_000);
        Option<bool> verify = new("--verify") { Description = "Compare the states of all grains with what they must be; slow" };
        Command command = new("recovery", "Two operators, re-keyed over several silos, a steady load, and one silo killed")
        {
            mode, grains, rate, before, after, silos, partitions, flush, verify,
        };
        CommonOptions common = CommonOptions.AddTo(command, blobs: true);
        command.SetAction((parsed, cancellationToken) => new RecoveryScenario(common.Read(parsed), new Load(
            parsed.GetValue(mode)!,
            parsed.GetValue(grains),
            parsed.GetValue(rate),
            TimeSpan.FromMilliseconds(parsed.GetValue(before)),
            TimeSpan.FromMilliseconds(parsed.GetValue(after)),
            parsed.GetValue(silos),
            parsed.GetValue(partitions),
            parsed.GetValue(flush),
            parsed.GetValue(verify))).RunAsync(cancellationToken));
        return command;
    }

    private async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        using var folder = BenchFolder.Create(common.Data);
        await using BenchAzurite? azurite = await BenchAzurite.StartAsync(common, folder, cancellationToken);
        _azurite = azurite;
        KeySequence keys = KeySequence.Draw("uniform", load.Grains / 2, common.Seed);
        var runs = new List<Figures>();
        for (int run = 1; run <= common.Runs; run++)
        {
            runs.Add(await MeasureAsync(folder[$"run-{run}"], keys, $"run {run} of {common.Runs}", cancellationToken));
            Figures f = runs[^1];
            Progress.Note($"  {f.LostEvents} events lost, {f.DependentGrains} grains depended on them, {f.Exact.RolledBackGrains} rolled back; first event after {f.FirstEventMs:N0} ms, all after {f.AllRecoveredMs:N0} ms");
        }

        Print(runs, azurite is null ? folder.Kind : "Azurite");
        return runs.All(r => r.IsRight) ? 0 : 1;
    }

    private async Task<Figures> MeasureAsync(string path, KeySequence keys, string step, CancellationToken cancellationToken)
    {
        var traces = new List<SiloTrace>();
        SiloProbe Trace(string silo)
        {
            lock (traces)
            {
                traces.Add(new SiloTrace(silo));
                return traces[^1];
            }
        }

        await using Pipeline pipeline = await Pipeline.StartAsync(
            "long",
            path,
            keys,
            new PipelineOptions
            {
                Silos = load.Silos,
                Hops = 2,
                Partitions = load.Partitions,
                Azurite = _azurite,
                Probe = Trace,
                Engine = o => o.RestartDelay = TimeSpan.FromDays(1), // It stays away: its return is another matter.
                Files = f => f.FlushDelay = TimeSpan.FromMilliseconds(load.FlushMs),
            },
            cancellationToken);
        await pipeline.FeedAsync($"{step}: every grain once", keys.Keys, cancellationToken);
        await pipeline.Bench.CheckpointAsync(cancellationToken);
        return await Progress.ShowAsync($"{step}: steady load, a kill, recovery", 1, () => 0, async () =>
        {
            using var stop = new CancellationTokenSource();
            Task offering = pipeline.OfferAsync(load.Rate, stop.Token, cancellationToken);
            await Task.Delay(load.Before, cancellationToken);

            StreamingEngine engine = pipeline.Bench.Engine;
            string victim = $"silo{common.Seed % load.Silos}";
            int journal = await engine.Hosts.Single(h => h.Name == victim).AskAsync(s => s.Journal.Id);
            BlobRequests? requests = pipeline.Bench.Requests;
            long killed = Stopwatch.GetTimestamp();
            await engine.KillAsync(victim, torn: false);
            long declared = Stopwatch.GetTimestamp();

            await Task.Delay(load.After, cancellationToken);
            await stop.CancelAsync();
            await offering;
            await pipeline.Bench.WhenDoneAsync(() => engine.AllServed && engine.GetRollbacks().Any(r => r.RecoveredMs is not null), cancellationToken);
            if (requests is not null)
            {
                requests = pipeline.Bench.Requests!.Since(requests);
                Progress.Note($"  from the kill until all was quiet: {requests} (USD {requests.Dollars:N4})");
            }

            long pauseMicros = (await Task.WhenAll(engine.Hosts.Select(h => h.AskAsync(s => s.Reports.Select(r => r.PauseMicros).DefaultIfEmpty(0).Max())))).Max();
            long wrongStates = load.Verify ? await pipeline.CountWrongStatesAsync(cancellationToken) : 0;
            return Figures.Of(new RecoveryAnalysis(traces, victim, journal), killed, declared, pauseMicros / 1000.0, wrongStates, new[] { DipWindow, load.Before, load.After }.Min());
        });
    }

    private void Print(List<Figures> runs, string fileSystem)
    {
        Table table = new Table().RoundedBorder().BorderColor(Color.Grey).Title("on surviving silos, by policy (silo and global are computed from the same runs)")
            .AddColumns("policy", "rolled back grains", "replayed events");
        var policies = new JsonArray();
        foreach (string mode in Modes)
        {
            double grains = Median.Of(runs, r => r.Of(mode).RolledBackGrains), events = Median.Of(runs, r => r.Of(mode).ReplayedEvents);
            table.AddRow(mode, $"{grains:N0}", $"{events:N0}");
            policies.Add(new JsonObject { ["mode"] = mode, ["computed"] = mode != "exact", ["rolledBackGrains"] = grains, ["replayedEvents"] = events });
        }

        new Report("recovery", $"recovery, {load.Mode}: {load.Silos} silos, {load.Grains:N0} grains, {load.Rate:N0} events/s, flushes + {load.FlushMs} ms, {fileSystem}, medians of {runs.Count} runs")
            .Under(table)
            .With("mode", load.Mode).With("grains", load.Grains).With("rate", load.Rate).With("silos", load.Silos).With("partitions", load.Partitions)
            .With("flushMs", load.FlushMs).With("seed", common.Seed).With("runs", runs.Count).With("fileSystem", fileSystem).With("policies", policies)
            .Add("lostEvents", Median.Of(runs, r => r.LostEvents), "N0")
            .Add("rolledBackGrains", Median.Of(runs, r => r.Of(load.Mode).RolledBackGrains), "N0")
            .Add("dependentGrains", Median.Of(runs, r => r.DependentGrains), "N0")
            .Add("wrongGrains", runs.Sum(r => r.WrongGrains), "N0", Aim.Most(0))
            .Add("replayedEvents", Median.Of(runs, r => r.Of(load.Mode).ReplayedEvents), "N0")
            .Add("leastReplayedEvents", Median.Of(runs, r => r.LeastReplayedEvents), "N0")
            .Add("globalReplaysTimes", Median.Of(runs, r => r.Global.ReplayedEvents / Math.Max(1.0, r.Exact.ReplayedEvents)), "N1", Aim.Least(10))
            .Add("reactivatedGrains", Median.Of(runs, r => r.WasRestored.Grains), "N0")
            .Add("reactivatedGrainsOracle", Median.Of(runs, r => r.ToRestore.Grains), "N0")
            .Add("restoredEvents", Median.Of(runs, r => r.WasRestored.Events), "N0")
            .Add("restoredEventsOracle", Median.Of(runs, r => r.ToRestore.Events), "N0")
            .Add("wrongRuns", runs.Count(r => !r.IsRight), "N0", Aim.Most(0))
            .Add("detectMs", Median.Of(runs, r => r.DetectMs), "N1")
            .Add("firstEventMs", Median.Of(runs, r => r.FirstEventMs), "N1", Aim.Most(100))
            .Add("allRecoveredMs", Median.Of(runs, r => r.AllRecoveredMs), "N1")
            .Add("sealPauseMs", Median.Of(runs, r => r.SealPauseMs), "N2")
            .Add("throughputDipPercent", Median.Of(runs, r => r.ThroughputDipPercent), "N1", Aim.Most(10))
            .Print(common.Json);
    }

    internal sealed record Load(string Mode, int Grains, int Rate, TimeSpan Before, TimeSpan After, int Silos, int Partitions, int FlushMs, bool Verify);

    private sealed record Figures
    {
        public required int LostEvents { get; init; }

        public required int DependentGrains { get; init; }

        public required int WrongGrains { get; init; }

        public required long LeastReplayedEvents { get; init; }

        public required Blast Exact { get; init; }

        public required Blast Silo { get; init; }

        public required Blast Global { get; init; }

        public required (long Events, long Grains) ToRestore { get; init; }

        public required (long Events, long Grains) WasRestored { get; init; }

        public required double DetectMs { get; init; }

        public required double FirstEventMs { get; init; }

        public required double AllRecoveredMs { get; init; }

        public required double SealPauseMs { get; init; }

        public required double ThroughputDipPercent { get; init; }

        public required long WrongStates { get; init; }

        /// <summary>Every count is the oracle's.</summary>
        public bool IsRight => WrongGrains == 0 && WrongStates == 0 && ToRestore == WasRestored && Exact.ReplayedEvents >= LeastReplayedEvents;

        public static Figures Of(RecoveryAnalysis analysis, long killed, long declared, double sealPauseMs, long wrongStates, TimeSpan dipWindow) => new()
        {
            LostEvents = analysis.LostEvents,
            DependentGrains = analysis.DependentGrains,
            WrongGrains = analysis.WrongGrains,
            LeastReplayedEvents = analysis.LeastReplayedEvents,
            Exact = analysis.Exact,
            Silo = analysis.Silo,
            Global = analysis.Global,
            ToRestore = analysis.ToRestore(),
            WasRestored = analysis.WasRestored(),
            DetectMs = Stopwatch.GetElapsedTime(killed, declared).TotalMilliseconds,
            FirstEventMs = Since(declared, analysis.FirstEventTicks()),
            AllRecoveredMs = Since(declared, analysis.AllRecoveredTicks()),
            SealPauseMs = sealPauseMs,
            ThroughputDipPercent = analysis.DipPercent(killed, declared, dipWindow),
            WrongStates = wrongStates,
        };

        public Blast Of(string mode) => mode switch
        {
            "silo" => Silo,
            "global" => Global,
            _ => Exact,
        };

        private static double Since(long from, long to) => Math.Max(0, (to - from) * 1000.0 / Stopwatch.Frequency);
    }
}

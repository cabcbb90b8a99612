using System.CommandLine;
using System.Diagnostics;

namespace OrleansStreaming.Benchmarks;

/// <summary>The engine on an Orleans cluster, against what one writes on Orleans without it.</summary>
internal sealed class OrleansScenario(Common common, int silos, WorkKeys keys, int warmUp, int seconds, int resident, int rate, string only)
{
    private static readonly string[] Names = ["all", "memory", "direct", "grain", "limited", "dense", "latency"];

    public static Command Command()
    {
        Option<int> silos = CommonOptions.Number("--silos", "N", "Silos, all in this process", 1, 1, 8);
        Option<int> keys = CommonOptions.Number("--keys", "N", "Different keys, each with a grain", 100_000, 1, 10_000_000);
        Option<string> order = CommonOptions.Word("--order", "How keys come after each has come once: drawn at random, or in turn, which is the worst where few may be in memory", "uniform", "turn");
        Option<int> seconds = CommonOptions.Number("--seconds", "N", "How long each contender is measured", 15, 1, 3600);
        Option<int> warmUp = CommonOptions.Number("--warm-up", "N", "How long each contender runs before it is measured, seconds: compilers, buffers and the files of journals are new at first", 20, 0, 600);
        Option<int> resident = CommonOptions.Number("--resident-percent", "N", "How many of the keys may be in memory, in another run of each hosting; 0 for no such runs", 0, 0, 99);
        Option<int> rate = CommonOptions.Number("--rate", "N", "Events a second while latency is measured", 1000, 1, 100_000);
        Option<string> only = CommonOptions.Word("--only", "One contender, or the latency, alone", Names);
        Command command = new("orleans", "The Orleans engine beside memory streams and direct calls: a count and sum by key of events of 100 bytes")
        {
            silos, keys, order, warmUp, seconds, resident, rate, only,
        };
        CommonOptions common = CommonOptions.AddTo(command, runs: 1);
        command.SetAction((parsed, cancellationToken) => new OrleansScenario(
            common.Read(parsed), parsed.GetValue(silos), new WorkKeys(parsed.GetValue(keys), parsed.GetValue(order) == "turn", common.Read(parsed).Seed), parsed.GetValue(warmUp), parsed.GetValue(seconds), parsed.GetValue(resident), parsed.GetValue(rate), parsed.GetValue(only)!).RunAsync(cancellationToken));
        return command;
    }

    private async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        using var folder = BenchFolder.Create(common.Data);
        Report report = new Report("orleans", $"orleans: {silos} silos, {keys.Count:N0} keys, {(keys.InTurn ? "in turn" : "uniform")}, {seconds} s each, on {folder.Kind}")
            .With("silos", silos).With("keys", keys.Count).With("order", keys.InTurn ? "turn" : "uniform").With("seconds", seconds).With("processors", Environment.ProcessorCount);
        Figures? memory = await MeasureAsync("memory", () => new MemoryStreams(), cancellationToken);
        Figures? direct = await MeasureAsync("direct", () => new DirectCalls(), cancellationToken);
        Figures? grain = await MeasureAsync("grain", () => new StreamingContender(folder["grain"], OperatorHosting.GrainPerKey, 0, timed: false), cancellationToken);
        int most = Math.Max(1, (int)((long)keys.Count * resident / 100 / silos));
        Figures? limited = resident == 0 ? null : await MeasureAsync(
            "limited", () => new StreamingContender(folder["limited"], OperatorHosting.GrainPerKey, most, timed: false), cancellationToken);
        Figures? denseLimited = resident == 0 ? null : await MeasureAsync(
            "limited", () => new StreamingContender(folder["dense-limited"], OperatorHosting.Dense, most, timed: false), cancellationToken);
        Figures? dense = await MeasureAsync("dense", () => new StreamingContender(folder["dense"], OperatorHosting.Dense, 0, timed: false), cancellationToken);
        Add(report, "memoryStreams", memory);
        Add(report, "directCalls", direct);
        Add(report, "grainPerKey", grain);
        if (grain is not null)
        {
            report.Add("grainPerKeyBytesPerGrain", grain.BytesPerGrain, "N0", Aim.Most(12 << 10));
            if (memory is not null)
            {
                report.Add("grainPerKeyOfMemoryStreams", grain.EventsPerSecond / memory.EventsPerSecond, "N2", Aim.Least(5));
            }
        }

        Add(report, "residentLimited", limited);
        if (limited is not null && grain is not null)
        {
            report.Add("residentLimitedOfAll", limited.EventsPerSecond / grain.EventsPerSecond, "N2", Aim.Least(0.5));
        }

        Add(report, "denseResidentLimited", denseLimited);
        Add(report, "dense", dense);
        if (dense is not null && direct is not null)
        {
            report.Add("denseOfDirectCalls", dense.EventsPerSecond / direct.EventsPerSecond, "N1", Aim.Least(20));
        }

        if (only is "all" or "latency")
        {
            await LatencyAsync(report, "memoryStreams", () => new MemoryStreams(), null, cancellationToken);
            await LatencyAsync(report, "grainPerKey", () => new StreamingContender(folder["timed-grain"], OperatorHosting.GrainPerKey, 0, timed: true), Aim.Most(10), cancellationToken);
            await LatencyAsync(report, "dense", () => new StreamingContender(folder["timed-dense"], OperatorHosting.Dense, 0, timed: true), Aim.Most(10), cancellationToken);
        }

        report.Print(common.Json);
        return 0;
    }

    private static void Add(Report report, string name, Figures? figures)
    {
        if (figures is null)
        {
            return;
        }

        report.Add(name + "EventsPerSecond", figures.EventsPerSecond, "N0")
            .Add(name + "CpuNsPerEvent", figures.CpuNsPerEvent, "N0")
            .Add(name + "BacklogAtEnd", figures.Backlog, "N0")
            .Add(name + "SecondHalfOfFirst", figures.SecondHalfOfFirst, "N2");
    }

    /// <summary>Every key once, a warm-up, then as many events as go through, never more than some ahead.</summary>
    private async Task<Figures?> MeasureAsync(string which, Func<Contender> make, CancellationToken cancellationToken)
    {
        if (only != "all" && only != which)
        {
            return null;
        }

        await using Contender contender = make();
        long before = GC.GetTotalMemory(forceFullCollection: true);
        await contender.StartAsync(silos, cancellationToken);
        var load = new Load(contender, keys);
        var begun = Stopwatch.StartNew();
        await Progress.ShowAsync($"{contender.Name}: every key once", keys.Count, () => contender.Processed, async () =>
        {
            await load.RunAsync(keys.Count, null, cancellationToken);
            return 0;
        });
        Progress.Note($"  every key once in {begun.Elapsed.TotalSeconds:N1} s, {contender.Resident:N0} grains in memory");
        long held = GC.GetTotalMemory(forceFullCollection: true) - before;
        long grains = contender.Resident > 0 ? contender.Resident : keys.Count;
        await Progress.ShowAsync($"{contender.Name}: warm-up", warmUp, () => begun.Elapsed.TotalSeconds, async () =>
        {
            begun.Restart();
            await RunForAsync(warmUp);
            return 0;
        });
        var meter = new ProcessMeter();
        long start = contender.Processed, half = 0;
        await Progress.ShowAsync($"{contender.Name}: {seconds} s", seconds, () => meter.Read().Seconds, async () =>
        {
            await RunForAsync(seconds / 2.0);
            half = contender.Processed - start;
            await RunForAsync(seconds / 2.0);
            return 0;
        });
        long processed = contender.Processed - start;
        (double elapsed, double cpu, _) = meter.Read();
        var figures = new Figures(processed / elapsed, cpu * 1e9 / processed, load.Sent - contender.Processed, (double)held / grains, (double)(processed - half) / half);
        Progress.Note($"  {figures.EventsPerSecond:N0} events/s, {figures.CpuNsPerEvent:N0} ns of CPU, {figures.BytesPerGrain:N0} B per grain, backlog {figures.Backlog:N0}");
        return figures;

        async Task RunForAsync(double howLong)
        {
            using var end = new CancellationTokenSource(TimeSpan.FromSeconds(howLong));
            await load.RunAsync(long.MaxValue, end.Token, cancellationToken);
        }
    }

    private async Task LatencyAsync(Report report, string name, Func<Contender> make, Aim? aim, CancellationToken cancellationToken)
    {
        var few = new WorkKeys(10_000, keys.InTurn, common.Seed);
        await using Contender contender = make();
        await contender.StartAsync(silos, cancellationToken);
        await new Load(contender, few, timed: true).RunAsync(few.Count, null, cancellationToken); // Every key once, so that no grain is new.
        while (contender.Processed < few.Count)
        {
            await Task.Delay(10, cancellationToken);
        }

        Done.Reset();
        long count = (long)rate * Math.Min(seconds, 20);
        await Progress.ShowAsync($"{contender.Name}: latency at {rate:N0}/s", count, () => Done.Count, async () =>
        {
            var sends = new List<Task>();
            long began = Stopwatch.GetTimestamp();
            for (long sent = 0; sent < count; sent++)
            {
                while (Stopwatch.GetElapsedTime(began).TotalSeconds * rate < sent)
                {
                    Native.SleepMicros(200);
                }

                sends.Add(contender.SendAsync(sent, few, 1, timed: true, cancellationToken));
            }

            await Task.WhenAll(sends);
            while (Done.Count < count)
            {
                await Task.Delay(10, cancellationToken);
            }

            return 0;
        });
        double[] delays = Done.Sorted();
        report.Add(name + "P50Ms", Percentile.Of(delays, 0.5), "N2", aim).Add(name + "P99Ms", Percentile.Of(delays, 0.99), "N2");
    }

    /// <param name="EventsPerSecond">While it was measured.</param>
    /// <param name="CpuNsPerEvent">Of the process.</param>
    /// <param name="Backlog">Sent and not processed at the end.</param>
    /// <param name="BytesPerGrain">Of the managed heap, after every key has come once.</param>
    /// <param name="SecondHalfOfFirst">How much was processed in the second half of the time, of what was in the first: 1 when it keeps up.</param>
    private sealed record Figures(double EventsPerSecond, double CpuNsPerEvent, double Backlog, double BytesPerGrain, double SecondHalfOfFirst);
}

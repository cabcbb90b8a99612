using System.CommandLine;

namespace OrleansStreaming.Benchmarks;

/// <summary>How many events a second come through, and what an event costs.</summary>
internal sealed class ThroughputScenario(Common common, int keys, int events, string distribution)
{
    public static Command Command()
    {
        Option<int> keys = CommonOptions.Number("--keys", "N", "Different keys, each with a grain", 1_000_000, 1, 100_000_000);
        Option<int> events = CommonOptions.Number("--events", "N", "Events in one repetition", 5_000_000, 1000, 1_000_000_000);
        Option<string> distribution = CommonOptions.Word("--distribution", "How keys are drawn", "uniform", "zipf");
        Command command = new("throughput", "100-byte events, a running count and sum by key, every 1,000th event released by a sink") { keys, events, distribution };
        CommonOptions common = CommonOptions.AddTo(command);
        command.SetAction((parsed, cancellationToken) =>
            new ThroughputScenario(common.Read(parsed), parsed.GetValue(keys), parsed.GetValue(events), parsed.GetValue(distribution)!).RunAsync(cancellationToken));
        return command;
    }

    private async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        using var folder = BenchFolder.Create(common.Data);
        KeySequence sequence = distribution == "zipf" ? KeySequence.Zipf(keys, common.Seed) : KeySequence.Uniform(keys, common.Seed);
        var sink = new CountingSink();
        await using BenchEngine bench = await BenchEngine.StartAsync(
            folder["engine"],
            s => s.AddStream<Input>("inputs", i => i.Key)
                .AddStream<Output>("outputs", o => o.Key)
                .AddOperator<Totals>(from: "inputs", to: "outputs")
                .AddSink("outputs", _ => sink),
            o => o.MaxUnflushedBytes = 256 << 20,
            null,
            cancellationToken);
        var run = new Run(bench, sink, cancellationToken);

        // Every key once, then as in the runs.
        long number = await run.FeedAsync("warm-up: every key once", 0, keys, n => Make(n, n));
        Func<long, Input> make = n => Make(n, sequence[n]);
        number = await run.FeedAsync("warm-up", number, number + (events / 2), make);

        var figures = new List<ThroughputFigures>();
        for (int i = 0; i < common.Runs; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            double raw = RawAppend.Measure(folder["raw"], Math.Min(events, 5_000_000));
            long journal = bench.JournalBytes;
            var meter = new ProcessMeter();
            number = await run.FeedAsync($"run {i + 1} of {common.Runs}", number, number + events, make);
            (double seconds, double cpu, long allocated) = meter.Read();
            figures.Add(new ThroughputFigures(events / seconds, cpu * 1e9 / events, raw, (double)allocated / events, (bench.JournalBytes - journal) / (100.0 * events)));
            Progress.Note($"  {figures[^1].EventsPerSecond:N0} events/s, {figures[^1].CpuNsPerEvent:N0} ns of CPU, {figures[^1].AllocatedBytesPerEvent:N1} B allocated; raw {raw:N0} appends/s");
        }

        new Report("throughput", $"throughput: {distribution} keys, {keys:N0} keys, {common.Runs} runs of {events:N0} events on {folder.Kind}, {Environment.ProcessorCount} processors")
            .With("silos", 1).With("hops", 1).With("keys", keys).With("events", events).With("distribution", distribution).With("seed", common.Seed).With("runs", common.Runs)
            .Add("eventsPerSecond", Median.Of(figures, f => f.EventsPerSecond), "N0")
            .Add("cpuNsPerEvent", Median.Of(figures, f => f.CpuNsPerEvent), "N0", Aim.Most(320, 140))
            .Add("rawAppendPerSecond", Median.Of(figures, f => f.RawAppendPerSecond), "N0")
            .Add("ratio", Median.Of(figures, f => f.EventsPerSecond / f.RawAppendPerSecond), "N4", Aim.Least(0.12, 0.30))
            .Add("allocatedBytesPerEvent", Median.Of(figures, f => f.AllocatedBytesPerEvent), "N2", Aim.Most(2, 0.5))
            .Add("journalBytesPerEventByte", Median.Of(figures, f => f.JournalBytesPerEventByte), "N3")
            .Print(common.Json);
        return 0;
    }

    private static Input Make(long number, long key) => new() { Key = key, Number = number, Amount = (number * 7) % 1000 };

    private sealed record ThroughputFigures(double EventsPerSecond, double CpuNsPerEvent, double RawAppendPerSecond, double AllocatedBytesPerEvent, double JournalBytesPerEventByte);

    private sealed class Run(BenchEngine bench, CountingSink sink, CancellationToken cancellationToken)
    {
        /// <summary>Publishes a range and waits until all of it is durable, processed and released. Returns the end of the range.</summary>
        public async Task<long> FeedAsync(string step, long first, long end, Func<long, Input> make)
        {
            var feeder = new Feeder<Input>(bench.Engine, "inputs", make);
            long before = bench.Turns, released = sink.Released;
            long outputs = ((end + Totals.OutputEvery - 1) / Totals.OutputEvery) - ((first + Totals.OutputEvery - 1) / Totals.OutputEvery);
            return await Progress.ShowAsync(step, end - first, () => bench.Turns - before, async () =>
            {
                await feeder.FeedAsync(first, end, () => bench.Turns - before, cancellationToken);
                await bench.WhenDoneAsync(() => bench.Turns - before >= end - first && sink.Released - released >= outputs, cancellationToken);
                return end;
            });
        }
    }
}

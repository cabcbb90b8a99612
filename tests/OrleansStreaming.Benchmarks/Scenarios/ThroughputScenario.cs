using System.CommandLine;
using Spectre.Console;

namespace OrleansStreaming.Benchmarks;

/// <summary>How many events a second come through, and what an event costs.</summary>
internal sealed class ThroughputScenario(Common common, KeySequence keys, string distribution, int events, string variant, bool verify, bool allocations, PipelineOptions layout)
{
    private const int EventBytes = 100;

    /// <summary>What a flush of a store far away takes longer.</summary>
    private static readonly TimeSpan RemoteFlush = TimeSpan.FromMilliseconds(10);
    private BenchAzurite? _azurite;

    public static Command Command()
    {
        Option<int> keys = CommonOptions.Number("--keys", "N", "Different keys, each with a grain", 1_000_000, 1, 100_000_000);
        Option<int> events = CommonOptions.Number("--events", "N", "Events in one repetition", 10_000_000, 1000, 1_000_000_000);
        Option<int> silos = CommonOptions.Number("--silos", "N", "Silos", 1, 1, 16);
        Option<int> hops = CommonOptions.Number("--hops", "N", "Operators in a row, each under other keys than the one before", 1, 1, 5);
        Option<int> partitions = CommonOptions.Number("--partitions", "N", "Partitions of each stream", 8, 1, 1024);
        Option<string> distribution = CommonOptions.Word("--distribution", "How keys are drawn", "uniform", "zipf");
        Option<string> variant = CommonOptions.Word("--variant", "Events: structs under a number, structs under a text, JSON records under a number", Variants.Names);
        Option<string> feed = CommonOptions.Word("--feed", "How events come in: many calls to publish, or one ISource", "source", "publish");
        Option<int> ahead = CommonOptions.Number("--ahead", "N", "How many events may be published and not yet processed", 100_000, 1, 100_000_000);
        Option<int> flush = CommonOptions.Number("--flush-ms", "MS", "Every flush takes that much longer, as that of a store far away: then more depends on what is not durable yet", 0, 0, 10_000);
        Option<bool> verify = new("--verify") { Description = "Compare the states of all grains with what they must be; slow" };
        Option<bool> allocations = new("--allocations") { Description = "Also show which types are allocated, in a repetition of its own" };
        Command command = new("throughput", "Events of 100 bytes, a running count and sum by key, every 1,000th event released by a sink")
        {
            keys, events, silos, hops, partitions, distribution, variant, feed, ahead, flush, verify, allocations,
        };
        CommonOptions common = CommonOptions.AddTo(command, blobs: true);
        command.SetAction((parsed, cancellationToken) =>
        {
            Common given = common.Read(parsed);
            string drawn = parsed.GetValue(distribution)!;
            return new ThroughputScenario(
                given,
                KeySequence.Draw(drawn, parsed.GetValue(keys), given.Seed),
                drawn,
                parsed.GetValue(events),
                parsed.GetValue(variant)!,
                parsed.GetValue(verify),
                parsed.GetValue(allocations),
                new PipelineOptions
                {
                    Silos = parsed.GetValue(silos),
                    Hops = parsed.GetValue(hops),
                    Partitions = parsed.GetValue(partitions),
                    Ahead = parsed.GetValue(ahead),
                    FromSource = parsed.GetValue(feed) == "source",
                    Files = f => f.FlushDelay = TimeSpan.FromMilliseconds(parsed.GetValue(flush)),
                }).RunAsync(cancellationToken);
        });
        return command;
    }

    private async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        using var folder = BenchFolder.Create(common.Data);
        await using BenchAzurite? azurite = await BenchAzurite.StartAsync(common, folder, cancellationToken);
        bool simple = layout is { Hops: 1, Silos: 1 }, onDisk = simple && azurite is null;
        _azurite = azurite;
        BlobYardstick? yardstick = azurite is null ? null : new BlobYardstick(azurite, keys);
        await using Pipeline pipeline = await StartAsync(folder["engine"], layout, cancellationToken);
        await using Pipeline? reference = simple ? null : await StartAsync(folder["reference"], layout with { Hops = 1, Silos = 1 }, cancellationToken);
        await WarmUpAsync(pipeline, cancellationToken);
        if (reference is not null)
        {
            await WarmUpAsync(reference, cancellationToken);
        }

        var figures = new List<ThroughputFigures>();
        for (int i = 1; i <= common.Runs; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            double raw = yardstick is null
                ? RawAppend.Measure(folder["raw"], Math.Clamp(events, 200_000, 5_000_000))
                : await yardstick.AppendBytesPerSecondAsync(Math.Clamp(events / 50_000, 4, 32), cancellationToken) / EventBytes;
            double? simpleRate = reference is null ? null : (await MeasureAsync(reference, $"one silo, one hop: run {i} of {common.Runs}", raw, null, cancellationToken)).EventsPerSecond;
            ThroughputFigures run = await MeasureAsync(pipeline, $"run {i} of {common.Runs}", raw, simpleRate, cancellationToken);
            if (yardstick is not null)
            {
                run = run with { StatePerBatchEventsPerSecond = await yardstick.StatePerBatchEventsPerSecondAsync(cancellationToken) };
                Progress.Note($"  {run.Requests!.Per(events)}");
            }

            figures.Add(run);
            Progress.Note($"  {run.EventsPerSecond:N0} events/s, {run.CpuNsPerEvent:N0} ns of CPU, {run.AllocatedBytesPerEvent:N1} B allocated; raw {raw:N0} appends/s");
        }

        Report report = new Report("throughput", $"throughput: {layout.Silos} silos, {layout.Hops} hops, {distribution} {variant} keys, {keys.Keys:N0} of them, {common.Runs} runs of {events:N0} events on {(azurite is null ? folder.Kind : "Azurite")}")
            .With("silos", layout.Silos).With("hops", layout.Hops).With("partitions", layout.Partitions).With("keys", keys.Keys).With("events", events)
            .With("distribution", distribution).With("variant", variant).With("feed", layout.FromSource ? "source" : "publish").With("ahead", layout.Ahead).With("seed", common.Seed).With("runs", common.Runs)
            .With("processors", Environment.ProcessorCount).With("storage", azurite is null ? "files" : "azurite").With("fileSystem", folder.Kind)
            .With("fed", pipeline.Fed).With("turns", pipeline.Bench.Turns).With("released", pipeline.Released)
            .Add("eventsPerSecond", Median.Of(figures, f => f.EventsPerSecond), "N0")
            .Add("cpuNsPerEvent", Median.Of(figures, f => f.CpuNsPerEvent), "N0", onDisk ? Aim.Most(320, 140) : null)
            .Add("rawAppendPerSecond", Median.Of(figures, f => f.RawAppendPerSecond), "N0")
            .Add("ratio", Median.Of(figures, f => f.EventsPerSecond / f.RawAppendPerSecond), "N4", onDisk ? Aim.Least(0.12, 0.30) : null)
            .Add("allocatedBytesPerEvent", Median.Of(figures, f => f.AllocatedBytesPerEvent), "N2", onDisk ? Aim.Most(2, 0.5) : null)
            .Add("leastAllocatedBytesPerEvent", figures.Min(f => f.AllocatedBytesPerEvent), "N2") // Of a repetition in which memory for the log did not grow.
            .Add("journalBytesPerEventByte", Median.Of(figures, f => f.JournalBytesPerEventByte), "N3");
        if (azurite is not null)
        {
            report.Add("journalOfRawAppend", Median.Of(figures, f => f.EventsPerSecond * f.JournalBytesPerEventByte / f.RawAppendPerSecond), "N3", Aim.Least(0.3))
                .Add("statePerBatchEventsPerSecond", Median.Of(figures, f => f.StatePerBatchEventsPerSecond), "N0")
                .Add("ofStatePerBatch", Median.Of(figures, f => f.EventsPerSecond / f.StatePerBatchEventsPerSecond), "N1", Aim.Least(20))
                .Add("requestsPerMillionEvents", Median.Of(figures, f => f.Requests!.All * 1e6 / events), "N0")
                .Add("dollarsPerMillionEvents", Median.Of(figures, f => f.Requests!.Dollars * 1e6 / events), "N4");
        }

        if (!simple)
        {
            report.Add("oneHopEventsPerSecond", Median.Of(figures, f => f.SimpleEventsPerSecond!.Value), "N0")
                .Add("ofOneHop", Median.Of(figures, f => f.EventsPerSecond / f.SimpleEventsPerSecond!.Value), "N3", layout is { Silos: 3, Hops: 2 } ? Aim.Least(0.3) : null);
        }

        if (layout.Hops > 1)
        {
            report.Add("foreignVectorPercent", await ForeignVectorPercentAsync(folder["foreign"], layout, cancellationToken), "N1", layout.Silos > 1 ? Aim.Least(50) : null);
            if (layout.Silos > 1 && azurite is null)
            {
                // On a disk most is durable before it comes to another silo, and depends on nothing there. Whether vectors do their work shows where flushes take long.
                PipelineOptions remote = layout with { Files = f => f.FlushDelay = RemoteFlush };
                report.Add("foreignVectorPercentRemote", await ForeignVectorPercentAsync(folder["remote"], remote, cancellationToken), "N1", Aim.Least(50));
            }
        }

        if (allocations)
        {
            report.Under(await SampleAllocationsAsync(pipeline, cancellationToken));
        }

        bool right = true;
        if (verify)
        {
            long wrong = await Progress.ShowAsync("verifying", 1, () => 0, () => pipeline.CountWrongStatesAsync(cancellationToken));
            right = wrong == 0;
            report.Add("wrongStates", wrong, "N0", Aim.Most(0));
        }

        report.Print(common.Json);
        return right ? 0 : 1;
    }

    private Task<Pipeline> StartAsync(string path, PipelineOptions options, CancellationToken cancellationToken) =>
        Pipeline.StartAsync(variant, path, keys, options with { Azurite = _azurite }, cancellationToken);

    // Four times as much as a repetition: by then checkpoints have been taken, all buffers are as large as they will be, and files of journals are used again.
    private Task WarmUpAsync(Pipeline pipeline, CancellationToken cancellationToken) => pipeline.FeedAsync(
        $"warm-up, {pipeline.Options.Silos} silos, {pipeline.Options.Hops} hops: every key once, then {4L * events:N0} events", keys.Keys + (4L * events), cancellationToken);

    private async Task<ThroughputFigures> MeasureAsync(Pipeline pipeline, string step, double raw, double? simpleRate, CancellationToken cancellationToken)
    {
        long journal = pipeline.Bench.JournalBytes;
        BlobRequests? requests = pipeline.Bench.Requests;
        var meter = new ProcessMeter();
        await pipeline.FeedAsync(step, events, cancellationToken);
        (double seconds, double cpu, long allocated) = meter.Read();
        return new ThroughputFigures(events / seconds, cpu * 1e9 / events, raw, (double)allocated / events, (pipeline.Bench.JournalBytes - journal) / ((double)EventBytes * events), simpleRate)
        {
            Requests = requests is null ? null : pipeline.Bench.Requests!.Since(requests),
        };
    }

    private async Task<Table> SampleAllocationsAsync(Pipeline pipeline, CancellationToken cancellationToken)
    {
        using var sampler = new AllocationSampler();
        await pipeline.FeedAsync("sampling allocations", events, cancellationToken);
        Table table = new Table().RoundedBorder().BorderColor(Color.Grey).AddColumns("allocated type", "bytes per event (sampled)");
        foreach ((string type, long bytes) in sampler.Top(20))
        {
            table.AddRow(Markup.Escape(type), $"{(double)bytes / events:N2}");
        }

        return table;
    }

    /// <summary>Counted apart, because counting costs time.</summary>
    private async Task<double> ForeignVectorPercentAsync(string path, PipelineOptions options, CancellationToken cancellationToken)
    {
        var probes = new List<ForeignVectors>();
        ForeignVectors Add(string silo)
        {
            lock (probes)
            {
                probes.Add(new ForeignVectors(Pipeline.StreamOf(1)));
                return probes[^1];
            }
        }

        await using Pipeline pipeline = await StartAsync(path, options with { Probe = Add }, cancellationToken);
        await WarmUpAsync(pipeline, cancellationToken);
        long all = probes.Sum(p => p.All), foreign = probes.Sum(p => p.Foreign);
        await pipeline.FeedAsync("counting foreign vectors", events, cancellationToken);
        return 100.0 * (probes.Sum(p => p.Foreign) - foreign) / (probes.Sum(p => p.All) - all);
    }

    private sealed record ThroughputFigures(
        double EventsPerSecond, double CpuNsPerEvent, double RawAppendPerSecond, double AllocatedBytesPerEvent, double JournalBytesPerEventByte, double? SimpleEventsPerSecond)
    {
        /// <summary>To blob storage; null when the state is in files.</summary>
        public BlobRequests? Requests { get; init; }

        public double StatePerBatchEventsPerSecond { get; init; }
    }
}

using System.Buffers;
using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Orleans;
using Orleans.Hosting;
using OrleansStreaming.Clustering;
using OrleansStreaming.Core;
using OrleansStreaming.Storage.Files;

namespace OrleansStreaming.Benchmarks;

/// <summary>This engine, on files: everything is durable and counted exactly once.</summary>
/// <param name="folder">Where the files are.</param>
/// <param name="hosting">What runs the turns.</param>
/// <param name="maxResident">How many grains a silo keeps in memory; 0 for all.</param>
/// <param name="timed">Whether every event goes through a sink that looks at its time.</param>
internal sealed class StreamingContender(string folder, OperatorHosting hosting, int maxResident, bool timed) : Contender
{
    private readonly FileStorage _storage = FileStorage.Open(folder);
    private readonly TimingSink _sink = new();
    private StreamingEngine[] _engines = [];

    public override string Name =>
        $"streaming, {(hosting == OperatorHosting.Dense ? "dense" : "grain per key")}{(maxResident > 0 ? $", {maxResident:N0} resident" : "")}";

    public override int Senders => 12;

    public override int AtOnce => 4096;

    public override int MaxAhead => hosting == OperatorHosting.Dense ? 200_000 : 50_000;

    public override long Processed => timed ? Done.Count : _engines.Sum(e => e.GetTotals().Events);

    public override long Resident => _engines.Sum(e => e.GetTotals().Grains);

    public override async Task<int> SendAsync(long number, WorkKeys keys, int most, bool timed, CancellationToken cancellationToken)
    {
        long due = timed ? Stopwatch.GetTimestamp() : 0;
        StreamingEngine engine = _engines[(int)(number / Math.Max(1, most) % _engines.Length)];
        IngestAnswer answer = await Publish();
        return answer.Outcome == IngestOutcome.Durable ? most : throw new InvalidOperationException($"The edge refused events: {answer.Outcome}.");

        Task<IngestAnswer> Publish()
        {
            Work[] batch = ArrayPool<Work>.Shared.Rent(most);
            for (int i = 0; i < most; i++)
            {
                batch[i] = Work.Of(number + i, keys, due);
            }

            Task<IngestAnswer> publishing = engine.PublishAsync<Work>("work", batch.AsSpan(0, most), cancellationToken); // Has encoded them when it returns.
            ArrayPool<Work>.Shared.Return(batch);
            return publishing;
        }
    }

    protected override void Configure(ISiloBuilder silo)
    {
        silo.Services.AddSingleton<StorageFactory>((_, _) => ValueTask.FromResult<IStorage>(new StorageLease(_storage, static _ => { })));
        silo.AddStreaming(
            s =>
            {
                s.AddStream<Work>("work", keyedBy: w => w.Key, o => o.Partitions(12));
                s.AddStream<Work>("done", keyedBy: w => w.Key, o => o.Partitions(12)).AddSink("done", _ => _sink);
                s.AddOperator<Counter>(from: "work", to: "done", configure: o =>
                {
                    o.Hosting = hosting;
                    o.MaxResident = maxResident;
                });
            },
            o => o.MaxUnflushedBytes = 256 << 20);
    }

    protected override async Task StartedAsync(CancellationToken cancellationToken)
    {
        _engines = [.. Hosts.Select(h => h.Services.GetRequiredService<StreamingEngine>())];
        while (!(await Task.WhenAll(_engines.Select(e => e.GetHealthAsync()))).All(h => h.Ready))
        {
            await Task.Delay(10, cancellationToken);
        }
    }

    private sealed class Counter : OperatorGrain<long, Tally>, IConsume<Work>
    {
        public ValueTask OnEvent(Work work, EventContext context)
        {
            State.Count++;
            State.Sum += work.Amount;
            if (work.Due != 0)
            {
                context.Emit("done", work);
            }

            return default;
        }
    }

    /// <summary>What has come here can no longer be lost.</summary>
    private sealed class TimingSink : PositionedSink<Work>
    {
        protected override void Take(IReadOnlyList<SinkEvent<Work>> events)
        {
            foreach (SinkEvent<Work> released in events)
            {
                Done.Add(released.Event);
            }
        }
    }
}

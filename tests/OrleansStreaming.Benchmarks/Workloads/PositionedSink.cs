using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

namespace OrleansStreaming.Benchmarks;

/// <summary>An exactly-once sink that keeps its positions in memory: they survive the silos, as those of a database would.</summary>
internal abstract class PositionedSink<TEvent> : ISink<TEvent>
{
    private readonly ConcurrentDictionary<int, StrongBox<Offset>> _positions = new();
    private long _released;

    public long Released => Interlocked.Read(ref _released);

    public ValueTask<Offset?> OpenAsync(SinkPartition partition, CancellationToken cancellationToken) =>
        new(PositionOf(partition).Value);

    public ValueTask WriteAsync(SinkBatch<TEvent> batch, CancellationToken cancellationToken)
    {
        StrongBox<Offset> position = PositionOf(batch.Partition);
        if (position.Value != batch.From)
        {
            throw new SinkFencedException($"stands not at {batch.From}");
        }

        Take(batch.Events);
        position.Value = batch.To;
        Interlocked.Add(ref _released, batch.Events.Count);
        return default;
    }

    private StrongBox<Offset> PositionOf(SinkPartition partition) => _positions.GetOrAdd(partition.Index, static _ => new StrongBox<Offset>(Offset.None));

    /// <summary>Takes events; those of several partitions at the same time.</summary>
    protected abstract void Take(IReadOnlyList<SinkEvent<TEvent>> events);
}

/// <summary>Only counts.</summary>
internal sealed class CountingSink : PositionedSink<Output>
{
    protected override void Take(IReadOnlyList<SinkEvent<Output>> events)
    {
    }
}

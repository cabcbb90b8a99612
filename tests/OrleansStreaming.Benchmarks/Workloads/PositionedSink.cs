using System.Collections.Concurrent;

namespace OrleansStreaming.Benchmarks;

/// <summary>An exactly-once sink that keeps its positions in memory: they survive the silos, as those of a database would.</summary>
internal abstract class PositionedSink<TEvent> : ISink<TEvent>
{
    private readonly ConcurrentDictionary<int, Offset> _positions = new();
    private long _released;

    public long Released => Interlocked.Read(ref _released);

    public ValueTask<Offset?> OpenAsync(SinkPartition partition, CancellationToken cancellationToken) =>
        new(_positions.GetValueOrDefault(partition.Index, Offset.None));

    public ValueTask WriteAsync(SinkBatch<TEvent> batch, CancellationToken cancellationToken)
    {
        if (_positions.GetValueOrDefault(batch.Partition.Index, Offset.None) != batch.From)
        {
            throw new SinkFencedException($"stands not at {batch.From}");
        }

        Take(batch.Events);
        _positions[batch.Partition.Index] = batch.To;
        Interlocked.Add(ref _released, batch.Events.Count);
        return default;
    }

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

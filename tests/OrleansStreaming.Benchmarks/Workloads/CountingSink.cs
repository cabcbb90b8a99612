using System.Collections.Concurrent;

namespace OrleansStreaming.Benchmarks;

/// <summary>An exactly-once sink that keeps its positions in memory and counts.</summary>
internal sealed class CountingSink : ISink<Output>
{
    private readonly ConcurrentDictionary<int, Offset> _positions = new();
    private long _released;

    public long Released => Interlocked.Read(ref _released);

    public ValueTask<Offset?> OpenAsync(SinkPartition partition, CancellationToken cancellationToken) =>
        new(_positions.GetValueOrDefault(partition.Index, Offset.None));

    public ValueTask WriteAsync(SinkBatch<Output> batch, CancellationToken cancellationToken)
    {
        if (_positions.GetValueOrDefault(batch.Partition.Index, Offset.None) != batch.From)
        {
            throw new SinkFencedException($"stands not at {batch.From}");
        }

        _positions[batch.Partition.Index] = batch.To;
        Interlocked.Add(ref _released, batch.Events.Count);
        return default;
    }
}

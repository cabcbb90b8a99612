using System.Collections.Concurrent;

namespace OrleansStreaming.Embedded.Tests;

public sealed record Click(string User, string Page, int Number);

public sealed record View(string Page, string User, int Number);

public sealed record PageReport(string Page, long Count, long Sum);

public struct Tally
{
    public long Count;
    public long Sum;
}

/// <summary>Counts by user, and passes each click on keyed by page.</summary>
public sealed class ClicksByUser : OperatorGrain<Tally>, IConsume<Click>
{
    public ValueTask OnEvent(Click click, EventContext context)
    {
        State.Count++;
        State.Sum += click.Number;
        context.Emit("views", new View(click.Page, click.User, click.Number));
        return default;
    }
}

public sealed class PageState
{
    public long Count { get; set; }

    public long Sum { get; set; }
}

/// <summary>Counts by page; its state is a class, hence without cheap copies.</summary>
public sealed class ViewsByPage : OperatorGrain<PageState>, IConsume<View>
{
    public ValueTask OnEvent(View view, EventContext context)
    {
        State.Count++;
        State.Sum += view.Number;
        context.Emit("reports", new PageReport(Key, State.Count, State.Sum));
        return default;
    }
}

/// <summary>A sink that keeps what it gets, with its position, as a transactional one does.</summary>
internal sealed class MemorySink<T> : ISink<T>
{
    private readonly ConcurrentDictionary<int, Offset> _positions = new();

    public ConcurrentQueue<SinkEvent<T>> Events { get; } = new();

    /// <summary>Called before a batch is written.</summary>
    public Action<SinkBatch<T>>? Before { get; set; }

    /// <summary>Called after a batch has been written, before that is known.</summary>
    public Action<SinkBatch<T>>? After { get; set; }

    public ValueTask<Offset?> OpenAsync(SinkPartition partition, CancellationToken cancellationToken) =>
        new(_positions.GetValueOrDefault(partition.Index, Offset.None));

    public ValueTask WriteAsync(SinkBatch<T> batch, CancellationToken cancellationToken)
    {
        Before?.Invoke(batch);
        lock (_positions)
        {
            if (_positions.GetValueOrDefault(batch.Partition.Index, Offset.None) != batch.From)
            {
                throw new SinkFencedException($"stands at {_positions.GetValueOrDefault(batch.Partition.Index, Offset.None)}, not {batch.From}");
            }

            _positions[batch.Partition.Index] = batch.To;
            foreach (SinkEvent<T> released in batch.Events)
            {
                Events.Enqueue(released);
            }
        }

        After?.Invoke(batch);
        return default;
    }
}

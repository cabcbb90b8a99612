namespace OrleansStreaming;

/// <summary>
/// Hands events to a function. Stores no position, so after a restart or a failure the function may see events again: make
/// it idempotent by <see cref="SinkEvent{T}.Name"/> if that matters.
/// </summary>
/// <typeparam name="TEvent">The event type.</typeparam>
public sealed class DelegateSink<TEvent> : ISink<TEvent>
{
    private readonly Func<SinkBatch<TEvent>, CancellationToken, ValueTask> _write;

    /// <summary>Calls a function for every batch.</summary>
    /// <param name="write">A throw repeats the batch.</param>
    public DelegateSink(Func<SinkBatch<TEvent>, CancellationToken, ValueTask> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        _write = write;
    }

    /// <summary>Calls a function for every event.</summary>
    /// <param name="write">A throw repeats the batch that the event is in. Called for different partitions at once.</param>
    public DelegateSink(Action<TEvent> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        _write = (batch, _) =>
        {
            foreach (SinkEvent<TEvent> item in batch.Events)
            {
                write(item.Event);
            }

            return default;
        };
    }

    /// <summary>Calls an asynchronous function for every event, one after the other.</summary>
    /// <param name="write">A throw repeats the batch that the event is in. Called for different partitions at once.</param>
    public DelegateSink(Func<TEvent, Task> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        _write = async (batch, _) =>
        {
            foreach (SinkEvent<TEvent> item in batch.Events)
            {
                await write(item.Event).ConfigureAwait(false);
            }
        };
    }

    /// <inheritdoc/>
    public ValueTask<Offset?> OpenAsync(SinkPartition partition, CancellationToken cancellationToken) => new((Offset?)null);

    /// <inheritdoc/>
    public ValueTask WriteAsync(SinkBatch<TEvent> batch, CancellationToken cancellationToken) => _write(batch, cancellationToken);
}

namespace OrleansStreaming;

/// <summary>
/// An input that can be read again from a position. The position is stored with the events, so every event enters exactly
/// once, whatever fails.
/// </summary>
/// <typeparam name="TEvent">The event type.</typeparam>
public interface ISource<TEvent>
{
    /// <summary>
    /// Reads on after a position, always in the same order. Ends when the input ends.
    /// </summary>
    /// <param name="after">-1 to read from the start; otherwise the <see cref="SourceEvent{T}.Position"/> of an event returned earlier.</param>
    /// <param name="cancellationToken">Cancelled when the reader stops or starts over.</param>
    IAsyncEnumerable<SourceEvent<TEvent>> ReadAsync(long after, CancellationToken cancellationToken);
}

/// <summary>An event of a source with its position.</summary>
/// <typeparam name="TEvent">The event type.</typeparam>
/// <param name="Position">From 0, growing from event to event; the same whenever the event is read.</param>
/// <param name="Event">The event.</param>
public readonly record struct SourceEvent<TEvent>(long Position, TEvent Event)
{
    /// <summary>From 0, growing from event to event; the same whenever the event is read.</summary>
    public readonly long Position = Position;

    /// <summary>The event. A field, not a property: a large one is read where it lies, and not copied first.</summary>
    public readonly TEvent Event = Event;
}

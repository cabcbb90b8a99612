using OrleansStreaming.Topologies;

namespace OrleansStreaming;

/// <summary>How a stream is laid out and delivered.</summary>
/// <typeparam name="TKey">The type of its keys.</typeparam>
public sealed class StreamOptions<TKey>
{
    private readonly StreamDeclaration _stream;

    internal StreamOptions(StreamDeclaration stream) => _stream = stream;

    /// <summary>
    /// Splits the stream into this many partitions, the unit of parallelism and of ownership. It can never change: the
    /// partition of a key follows from it.
    /// </summary>
    /// <param name="count">From 1 to 1024.</param>
    public StreamOptions<TKey> Partitions(int count)
    {
        _stream.Partitions = count;
        return this;
    }

    /// <summary>
    /// Delivers an event only when neither it nor anything it stems from can be lost any more. Its readers never roll back
    /// because of it; every hop costs a log commit of latency.
    /// </summary>
    public StreamOptions<TKey> Strict()
    {
        _stream.Strict = true;
        return this;
    }

    /// <summary>Says that a cycle through this stream is meant: operators may write to it what leads back to themselves.</summary>
    public StreamOptions<TKey> Feedback()
    {
        _stream.Feedback = true;
        return this;
    }

    /// <summary>
    /// Keeps events that every reader is done with, so that later readers can start in the past. Without it they may be
    /// deleted at once.
    /// </summary>
    /// <param name="time">How long an event is kept.</param>
    /// <param name="bytes">How much a partition keeps; older events go first.</param>
    public StreamOptions<TKey> Retain(TimeSpan time, long bytes)
    {
        _stream.RetainFor = time;
        _stream.RetainBytes = bytes;
        _stream.Retains = true;
        return this;
    }

    /// <summary>Lets the stream carry events of another type, too. Types can be added to an existing stream, never removed.</summary>
    /// <typeparam name="TOther">The other type.</typeparam>
    /// <param name="keyedBy">The key of such an event.</param>
    public StreamOptions<TKey> Also<TOther>(Func<TOther, TKey> keyedBy)
    {
        ArgumentNullException.ThrowIfNull(keyedBy);
        _stream.Types.Add(EventTypeDeclaration.Of(keyedBy));
        return this;
    }
}

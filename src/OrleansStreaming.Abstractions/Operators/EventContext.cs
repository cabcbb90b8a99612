namespace OrleansStreaming;

/// <summary>
/// What a turn may know and do. Everything in it is the same when the turn runs again after a failure.
/// </summary>
/// <remarks>Not thread-safe, and valid only until the turn ends; a later use throws <see cref="InvalidOperationException"/>.</remarks>
public abstract class EventContext
{
    private protected EventContext()
    {
    }

    internal EventContext(bool engine) => _ = engine;

    /// <summary>The name of the stream that the event was read from.</summary>
    public abstract string Stream { get; }

    /// <summary>The event's position in its partition.</summary>
    public abstract Offset Offset { get; }

    /// <summary>
    /// The time of the event, UTC: when it was ingested, or when the timer fired. Outputs inherit it. Never the wall clock.
    /// </summary>
    public abstract DateTimeOffset Time { get; }

    /// <summary>Random numbers seeded by the event's position: the same on every run of the turn.</summary>
    public abstract Random Random { get; }

    /// <summary>Cancelled when the turn's result is no longer wanted.</summary>
    public abstract CancellationToken CancellationToken { get; }

    /// <summary>
    /// Adds an event to a declared output stream. Takes effect when the turn ends.
    /// </summary>
    /// <typeparam name="TEvent">A type that the stream carries.</typeparam>
    /// <param name="stream">A stream named in <c>to</c> of <c>AddOperator</c>.</param>
    /// <param name="event">The event; its key comes from the stream's <c>keyedBy</c>.</param>
    /// <exception cref="InvalidOperationException">The edge is not declared, the stream does not carry the type, or the turn has ended.</exception>
    public abstract void Emit<TEvent>(string stream, TEvent @event);

    /// <summary>
    /// Sets a timer of this grain; replaces an unfired one of the same name. Fires once at or after <paramref name="due"/>,
    /// also if the process was down at that time.
    /// </summary>
    /// <param name="name">Handed to <see cref="IOnTimer.OnTimer"/>; at most 256 bytes of UTF-8.</param>
    /// <param name="due">How long after <see cref="Time"/>.</param>
    public abstract void SetTimer(string name, TimeSpan due);

    /// <summary>Forgets the timer of that name, if there is one that has not been delivered.</summary>
    /// <param name="name">The name that it was set with.</param>
    public abstract void CancelTimer(string name);

    /// <summary>Asks for a recorded call; the operator must implement <see cref="ICall{TRequest,TResult}"/> for the type.</summary>
    /// <typeparam name="TRequest">The request's type.</typeparam>
    /// <param name="request">The request.</param>
    public abstract void Call<TRequest>(TRequest request);
}

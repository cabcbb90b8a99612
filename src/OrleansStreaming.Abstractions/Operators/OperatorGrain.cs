namespace OrleansStreaming;

/// <summary>
/// Base of all operators. Derive from <see cref="OperatorGrain{TState}"/> or <see cref="OperatorGrain{TKey,TState}"/>,
/// and implement <see cref="IConsume{TEvent}"/> for every event type of the input stream.
/// </summary>
/// <remarks>
/// One instance exists per key. Its turns run one at a time. A turn must be a deterministic function of the state, the
/// event and the <see cref="EventContext"/>: it may run again after a failure, and must then do the same.
/// </remarks>
public abstract class OperatorGrain
{
    private protected OperatorGrain()
    {
    }
}

/// <summary>An operator whose key is a <typeparamref name="TKey"/>: <see cref="string"/>, <see cref="long"/> or <see cref="Guid"/>.</summary>
/// <typeparam name="TKey">The key's type; must equal the key type of the input stream.</typeparam>
/// <typeparam name="TState">The state: an unmanaged struct is copied as it lies in memory, anything else goes through its serialiser.</typeparam>
public abstract class OperatorGrain<TKey, TState> : OperatorGrain
    where TKey : notnull
    where TState : new()
{
    internal TState StateField = new();

    /// <summary>The key of this grain. Not available in the constructor.</summary>
    public TKey Key { get; internal set; } = default!;

    /// <summary>
    /// The state, by reference, so that a struct can be changed in place. Take it only inside a turn; do not keep it.
    /// </summary>
    protected ref TState State => ref StateField;
}

/// <summary>An operator keyed by a string.</summary>
/// <typeparam name="TState">The state; see <see cref="OperatorGrain{TKey,TState}"/>.</typeparam>
public abstract class OperatorGrain<TState> : OperatorGrain<string, TState>
    where TState : new();

/// <summary>An operator that takes events of one type. Implement it once per event type of the input stream.</summary>
/// <typeparam name="TEvent">The event's type.</typeparam>
public interface IConsume<in TEvent>
{
    /// <summary>
    /// One turn. State changes and emissions take effect together when the returned task completes; a throw undoes both.
    /// </summary>
    /// <param name="event">The event.</param>
    /// <param name="context">Valid until the turn ends.</param>
    ValueTask OnEvent(TEvent @event, EventContext context);
}

/// <summary>An operator that sets timers with <see cref="EventContext.SetTimer"/>.</summary>
public interface IOnTimer
{
    /// <summary>Called once for every timer that came due and was not cancelled.</summary>
    /// <param name="timer">The name that the timer was set with.</param>
    /// <param name="context">Its <see cref="EventContext.Time"/> is the time at which the timer fired.</param>
    ValueTask OnTimer(string timer, EventContext context);
}

/// <summary>
/// An operator that calls something that is not deterministic (a service, a database). The call runs outside of turns and
/// may run more than once; its answer is recorded as an event, and <see cref="OnResult"/> sees exactly one answer per request.
/// </summary>
/// <typeparam name="TRequest">The request; serialised with the grain's checkpoint.</typeparam>
/// <typeparam name="TResult">The answer; recorded in the journal.</typeparam>
public interface ICall<TRequest, TResult>
{
    /// <summary>Does the call. Must not touch the state. A throw is retried with back-off, then recorded as a failed result.</summary>
    /// <param name="request">What was asked.</param>
    /// <param name="cancellationToken">Cancelled when the grain leaves this silo.</param>
    ValueTask<TResult> Call(TRequest request, CancellationToken cancellationToken);

    /// <summary>A turn that receives the recorded answer.</summary>
    /// <param name="request">What was asked.</param>
    /// <param name="result">The answer, or why there is none.</param>
    /// <param name="context">The turn's context.</param>
    ValueTask OnResult(TRequest request, CallResult<TResult> result, EventContext context);
}

/// <summary>The recorded answer of a call: a value, or the message of the last error.</summary>
/// <typeparam name="T">The value's type.</typeparam>
/// <param name="Value">The answer; default when <paramref name="Error"/> is set.</param>
/// <param name="Error">Why the call failed for good, or null.</param>
public readonly record struct CallResult<T>(T? Value, string? Error)
{
    /// <summary>True when there is a value.</summary>
    public bool Succeeded => Error is null;
}

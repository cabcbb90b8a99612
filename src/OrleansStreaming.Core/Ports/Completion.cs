using System.Threading.Tasks.Sources;

namespace OrleansStreaming.Core;

/// <summary>
/// The end of something, to be awaited once, and then used again for the next: what happens thousands of times a second
/// would else cost the collector a task each time.
/// </summary>
/// <param name="abandoned">Called when the wait is cancelled, before whoever waits goes on.</param>
internal sealed class Completion(Action abandoned) : IValueTaskSource
{
    private ManualResetValueTaskSourceCore<bool> _core; // Whoever awaits it goes on on the thread that ends it.
    private CancellationTokenRegistration _cancelling;
    private CancellationToken _cancel;
    private int _ended = 1;

    /// <summary>Begins; the one before must have ended.</summary>
    public ValueTask Begin(CancellationToken cancellationToken)
    {
        _cancelling.Dispose(); // Waits for a cancellation that came too late for the last one.
        _core.Reset();
        _cancel = cancellationToken;
        Volatile.Write(ref _ended, 0);
        _cancelling = cancellationToken.UnsafeRegister(static completion => ((Completion)completion!).Cancel(), this);
        return new ValueTask(this, _core.Version);
    }

    /// <summary>Ends it, unless the wait has been cancelled.</summary>
    public void End(Exception? error = null)
    {
        _cancelling.Unregister();
        if (Interlocked.Exchange(ref _ended, 1) != 0)
        {
            return;
        }

        if (error is null)
        {
            _core.SetResult(true);
        }
        else
        {
            _core.SetException(error);
        }
    }

    void IValueTaskSource.GetResult(short token) => _core.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    private void Cancel()
    {
        if (Interlocked.Exchange(ref _ended, 1) == 0)
        {
            abandoned();
            _core.SetException(new OperationCanceledException(_cancel));
        }
    }
}

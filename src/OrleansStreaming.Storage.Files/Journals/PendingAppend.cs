using System.Threading.Tasks.Sources;

namespace OrleansStreaming.Storage.Files;

/// <summary>
/// The append that is under way, to be awaited once. There are thousands a second and never two at a time, so one object
/// serves them all. Whoever awaits it goes on on the thread that ends it.
/// </summary>
/// <param name="abandoned">Called when the wait is cancelled, before whoever waits goes on: nothing may be appended any more.</param>
internal sealed class PendingAppend(Action abandoned) : IValueTaskSource
{
    private ManualResetValueTaskSourceCore<bool> _core;
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
        _cancelling = cancellationToken.UnsafeRegister(static append => ((PendingAppend)append!).Cancel(), this);
        return new ValueTask(this, _core.Version);
    }

    /// <summary>Ends it, unless it has been abandoned.</summary>
    public void End(Exception? error)
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

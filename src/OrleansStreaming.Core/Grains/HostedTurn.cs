namespace OrleansStreaming.Core;

/// <summary>
/// A turn that runs away from the loop, from its beginning: in the grain that the engine keeps for the key, or on some thread
/// when its operator is known to block. It has all that it needs; what the loop does meanwhile does not touch it.
/// </summary>
internal sealed class HostedTurn : Turn, IThreadPoolWorkItem
{
    private readonly OperatorGrain? _instance;
    private readonly PendingRequest? _request;
    private readonly long _time;
    private readonly int _rowStart;
    private readonly int _rowEnd;
    private readonly int _beforeEnd;
    private Exception? _error;
    private int _begun;

    public HostedTurn(OperatorHost host, Grain grain, in Input input, in Row row, TurnContext context, PendingRequest? request, long startedMs)
        : base(host, grain, in input, context, startedMs)
    {
        _instance = grain.Instance;
        _request = request;
        _time = row.Time;
        _rowStart = context.Kept;
        _rowEnd = context.Keep(in row); // The row's bytes belong to the loop.
        if (host.Type.CheapCopies)
        {
            context.Keep(host.Type.SavedState());
        }

        _beforeEnd = context.Kept;
    }

    /// <summary>It has begun, and will end by itself.</summary>
    public bool HasBegun => Volatile.Read(ref _begun) != 0;

    /// <summary>It ended without having waited: nothing of it can still hold its context.</summary>
    public bool InOneGo { get; private set; }

    public override Exception? Error => _error;

    public override byte[]? Before => Host.Type.CheapCopies ? Context.Bytes(_rowEnd, _beforeEnd - _rowEnd).ToArray() : null;

    void IThreadPoolWorkItem.Execute() => _ = RunAsync();

    /// <summary>Runs the turn and hands its end to the loop; the first time that it is called. Completes then. Never throws.</summary>
    public ValueTask RunAsync()
    {
        if (Interlocked.Exchange(ref _begun, 1) != 0)
        {
            return default;
        }

        ValueTask running = default;
        try
        {
            if (!Discarded) // Then nobody looks at what it does.
            {
                Row.Read(Context.Bytes(_rowStart, _rowEnd - _rowStart), _time, out Row row);
                running = Host.Invoke(_instance, _request, in row, Context);
            }
        }
        catch (Exception e)
        {
            running = ValueTask.FromException(e);
        }

        Host.TurnReturned();
        if (!running.IsCompletedSuccessfully)
        {
            return EndAsync(running);
        }

        InOneGo = true;
        Host.PostEnd(this);
        return default;
    }

    private async ValueTask EndAsync(ValueTask running)
    {
        try
        {
            await running.ConfigureAwait(false);
        }
        catch (Exception e)
        {
            _error = e;
        }

        Host.PostEnd(this);
    }
}

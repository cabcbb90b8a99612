using System.Runtime.CompilerServices;

namespace OrleansStreaming.Core;

/// <summary>
/// What an engine gives a silo. All calls come from the silo's loop and return at once; answers come back as inputs of the
/// silo (<see cref="Silo"/>), from any thread, through the engine's queue. A schedule may stop a silo between any two calls.
/// </summary>
internal interface ISiloPorts
{
    /// <summary>Wall clock, microseconds since 1970 UTC. May jump; the silo keeps it from going back.</summary>
    long NowMicros { get; }

    /// <summary>Monotonic milliseconds, for intervals.</summary>
    long TicksMs { get; }

    /// <summary>Monotonic microseconds, for what the loop itself takes. From any thread.</summary>
    long TicksMicros { get; }

    /// <summary>For operators and sinks.</summary>
    IServiceProvider Services { get; }

    /// <summary>Starts a storage operation; the engine runs it and hands the request to <see cref="Silo.Complete"/>.</summary>
    void Submit(Request request);

    /// <summary>Starts an append to the own journal, likewise. Writers hand it over at once, so it may begin on the caller's thread.</summary>
    void Append(Request request) => Submit(request);

    /// <summary>Starts work outside the loop (a sink's write, a recorded call); the engine runs it likewise.</summary>
    void Start(Request request);

    /// <summary>Whether there are grains for operators with a grain per key; else their turns run in the loop.</summary>
    bool HostsGrains => false;

    /// <summary>
    /// Has a turn run (<see cref="HostedTurn.RunAsync"/>) away from the loop: of an operator with a grain per key, where that
    /// grain lives; of one that is known to block, on any thread. Each is to be run in the end, also when it has been discarded,
    /// unless the silo has ended.
    /// </summary>
    void Run(HostedTurn turn);

    /// <summary>A grain has left memory: what the engine kept of it (<see cref="Grain.Seat"/>) is not asked for again. Never throws.</summary>
    void Release(object seat)
    {
    }

    /// <summary>Hands an asynchronous turn's end back to the loop. Called from any thread.</summary>
    void PostTurnEnd(Turn turn);

    /// <summary>Sends a message to the incarnation that writes a journal. May be lost, late, repeated and out of order.</summary>
    void Send(int toJournal, SiloMessage message);

    /// <summary>The silo has registered its journal and takes part from now on.</summary>
    void Joined(int journal);

    /// <summary>The silo has read the record of journals and seals, which had changed.</summary>
    void RecordRead(ClusterRecord record)
    {
    }

    /// <summary>The silo has stopped and must not be called again.</summary>
    void Stopped(string reason, Exception? error);
}

/// <summary>Something that runs outside the loop and then goes on inside it. May be handed over again once it has gone on.</summary>
internal abstract class Request(string what) : IThreadPoolWorkItem
{
    private Action? _end;
    private Action<Request>? _ended;
    private IStorage? _storage;
    private CancellationToken _cancel;
    private ConfiguredValueTaskAwaitable.ConfiguredValueTaskAwaiter _running;
    private Exception? _error;

    /// <summary>Such as "swap partitions/flights-3", for messages.</summary>
    public string What { get; } = what;

    /// <summary>Says how to run it. Requests and what runs them are made thousands of times a second, so nothing is made for a run.</summary>
    /// <param name="storage">What it works on.</param>
    /// <param name="ended">Called once it has ended, on any thread, perhaps within <see cref="Execute"/>.</param>
    /// <param name="cancellationToken">Given to the operation.</param>
    public Request Prepare(IStorage storage, Action<Request> ended, CancellationToken cancellationToken)
    {
        (_storage, _ended, _cancel) = (storage, ended, cancellationToken);
        return this;
    }

    /// <summary>Runs the operation. Never throws.</summary>
    public void Execute()
    {
        _error = null;
        try
        {
            _running = ExecuteAsync(_storage!, _cancel).ConfigureAwait(false).GetAwaiter();
        }
        catch (Exception e)
        {
            _error = e;
            _ended!(this);
            return;
        }

        if (_running.IsCompleted)
        {
            End();
        }
        else
        {
            _running.UnsafeOnCompleted(_end ??= End);
        }
    }

    /// <summary>Goes on inside the loop.</summary>
    public void Finish() => Done(_error);

    protected abstract ValueTask ExecuteAsync(IStorage storage, CancellationToken cancellationToken);

    protected abstract void Done(Exception? error);

    private void End()
    {
        try
        {
            _running.GetResult();
        }
        catch (Exception e)
        {
            _error = e;
        }

        _running = default;
        _ended!(this);
    }
}

/// <summary>A request made of two functions.</summary>
internal sealed class Request<T>(string what, Func<IStorage, CancellationToken, ValueTask<T>> run, Action<T?, Exception?> done) : Request(what)
{
    private T? _result;

    protected override async ValueTask ExecuteAsync(IStorage storage, CancellationToken cancellationToken) =>
        _result = await run(storage, cancellationToken).ConfigureAwait(false);

    protected override void Done(Exception? error) => done(_result, error);
}

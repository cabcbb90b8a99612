using System.Collections.Concurrent;
using System.Diagnostics;
using OrleansStreaming.Core;
using OrleansStreaming.Engine;

namespace OrleansStreaming.Clustering;

/// <summary>
/// An activation in which turns of many keys run, one after the other up to the first wait of each. The silo's loop adds turns;
/// they begin on the activation's scheduler.
/// </summary>
internal sealed class SharedSeat(string grainKey) : Seat
{
    /// <summary>After so many turns others that wait for a thread have theirs.</summary>
    private const int TurnsInARow = 64;

    private static readonly Action<object?> RunSome = static seat => ((SharedSeat)seat!).Run();
    private readonly ConcurrentQueue<WaitingTurn> _waiting = new();
    private int _running;
    private long _begun;
    private long _begunBefore = -1;
    private long _heldUpAt = -1;
    private TimeSpan _lastRow;
    private volatile bool _isCalled;

    public override string GrainKey => grainKey;

    /// <summary>A call is under way, which is repeated until it arrives.</summary>
    public bool IsCalled
    {
        get => _isCalled;
        set => _isCalled = value;
    }

    /// <summary>What a turn took of its thread, in each of the last two rows of turns at least: in one of them code may have been compiled.</summary>
    public TimeSpan TurnTime { get; set; }

    /// <summary>Runs a turn as soon as there is an activation, and those before it have returned.</summary>
    public void Add(SiloIncarnation silo, HostedTurn turn)
    {
        _waiting.Enqueue(new WaitingTurn(silo, turn));
        Start();
    }

    public override void Attach(IGrainContext activation)
    {
        base.Attach(activation);
        IsCalled = false;
        Start();
    }

    /// <summary>Turns have waited for another one, or for an activation, longer than they should; until one begins again.</summary>
    public bool IsHeldUp => Volatile.Read(ref _heldUpAt) == Volatile.Read(ref _begun);

    /// <summary>Is held up when turns wait, and none has begun since it looked last. Called by one thread at a time.</summary>
    public void Look()
    {
        long begun = Volatile.Read(ref _begun);
        bool waits = !_waiting.IsEmpty;
        if (waits && begun == _begunBefore)
        {
            Volatile.Write(ref _heldUpAt, begun);
        }
        else if (!waits && Volatile.Read(ref _running) == 0)
        {
            Volatile.Write(ref _heldUpAt, -1); // It was the activation that took long.
        }

        _begunBefore = waits ? begun : -1;
    }

    /// <summary>Takes a turn out that has not begun.</summary>
    public bool TryTake(out WaitingTurn turn) => _waiting.TryDequeue(out turn);

    private void Start()
    {
        if (!_waiting.IsEmpty && Activation is { } activation && Interlocked.Exchange(ref _running, 1) == 0)
        {
            activation.Scheduler.QueueTask(new Task(RunSome, this));
        }
    }

    private void Run()
    {
        long started = Stopwatch.GetTimestamp();
        int turns = 0;
        while (turns < TurnsInARow && _waiting.TryDequeue(out WaitingTurn next))
        {
            turns++;
            Volatile.Write(ref _begun, _begun + 1);
            _ = next.Turn.RunAsync();
        }

        if (turns > 0)
        {
            TimeSpan row = Stopwatch.GetElapsedTime(started) / turns;
            TurnTime = row < _lastRow ? row : _lastRow;
            _lastRow = row;
        }

        Volatile.Write(ref _running, 0);
        Start();
    }

    /// <param name="Silo">The silo whose turn it is.</param>
    /// <param name="Turn">The turn.</param>
    internal readonly record struct WaitingTurn(SiloIncarnation Silo, HostedTurn Turn);
}

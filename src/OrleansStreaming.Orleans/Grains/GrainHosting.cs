using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using OrleansStreaming.Core;
using OrleansStreaming.Engine;

namespace OrleansStreaming.Clustering;

/// <summary>
/// Runs turns in Orleans' grains. The first turn of a grain is a call, which brings up the activation. Later ones are queued
/// on the activation's scheduler, which costs no message, but now and then one is a call again: Orleans collects what is not
/// called. The core hands out one turn of a grain at a time, so that nothing interleaves. Where few keys may stay in memory,
/// those that came just now share activations.
/// </summary>
internal sealed class GrainHosting : IGrainHosting, IThreadPoolWorkItem, IDisposable
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(100);
    private static readonly Action<object?> RunTurn = static turn => _ = ((HostedTurn)turn!).RunAsync();

    /// <summary>Stand for a seat while a grain has none of its own: how many turns it has had.</summary>
    private static readonly Visits[] HadTurns = [.. Enumerable.Range(0, SharedSeats.TurnsPerKey).Select(i => new Visits(i + 1))];
    private readonly TurnCalls _calls;
    private readonly ConcurrentDictionary<string, SharedSeats> _shared = new();
    private readonly ConcurrentQueue<KeySeat> _released = new();
    private readonly ITimer _timer;
    private readonly long _callEveryMs;
    private int _releasing;

    public GrainHosting(TurnCalls calls, IOptions<GrainCollectionOptions> collection, TimeProvider time)
    {
        _calls = calls;
        GrainCollectionOptions options = collection.Value;
        TimeSpan age = options.ClassSpecificCollectionAge.TryGetValue(typeof(OperatorActivation).FullName!, out TimeSpan specific) ? specific : options.CollectionAge;
        _callEveryMs = (long)(age.TotalMilliseconds / 4);
        _timer = time.CreateTimer(static self => ((GrainHosting)self!).Look(), this, LookEvery, LookEvery);
    }

    public void Run(SiloIncarnation silo, HostedTurn turn)
    {
        if (turn.Host.Type.Definition.Options.MaxResident > 0 && turn.Grain.Seat is not KeySeat && TryShare(silo, turn))
        {
            return;
        }

        RunInItsOwn(silo, turn);
    }

    public void Release(object seat)
    {
        if (seat is not KeySeat own)
        {
            return;
        }

        _released.Enqueue(own);
        if (Interlocked.Exchange(ref _releasing, 1) == 0)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    public void Dispose() => _timer.Dispose();

    void IThreadPoolWorkItem.Execute()
    {
        do
        {
            while (_released.TryDequeue(out KeySeat? seat))
            {
                seat.Release();
            }

            Volatile.Write(ref _releasing, 0);
        }
        while (!_released.IsEmpty && Interlocked.Exchange(ref _releasing, 1) == 0);
    }

    private void RunInItsOwn(SiloIncarnation silo, HostedTurn turn)
    {
        Core.Grain grain = turn.Grain;
        if (grain.Seat is not KeySeat seat)
        {
            grain.Seat = seat = new KeySeat(silo, turn.Host, grain);
        }

        if (seat.Activation is { } activation && !IsCallDue(seat, turn))
        {
            activation.Scheduler.QueueTask(new Task(RunTurn, turn));
            return;
        }

        Call(seat, turn);
    }

    private bool TryShare(SiloIncarnation silo, HostedTurn turn)
    {
        int had = (turn.Grain.Seat as Visits)?.Count ?? 0;
        if (had == SharedSeats.TurnsPerKey
            || _shared.GetOrAdd(turn.Host.Type.Definition.Name, static name => new SharedSeats(name)).Next(turn) is not { } seat)
        {
            return false;
        }

        turn.Grain.Seat = HadTurns[had];
        if (!seat.IsCalled && (seat.Activation is null || IsCallDue(seat, turn)))
        {
            seat.IsCalled = true;
            Call(seat, turn);
        }
        else
        {
            seat.Add(silo, turn);
        }

        return true;
    }

    private bool IsCallDue(Seat seat, HostedTurn turn) => turn.StartedMs - seat.CalledMs >= _callEveryMs;

    private void Call(Seat seat, HostedTurn turn)
    {
        seat.CalledMs = turn.StartedMs;
        _calls.Add(seat, turn);
    }

    /// <summary>Turns that wait behind one which does not return, or for an activation that does not come, get one of their own.</summary>
    private void Look()
    {
        foreach (SharedSeat seat in _shared.Values.SelectMany(s => s.All))
        {
            seat.Look();
            while (seat.IsHeldUp && seat.TryTake(out SharedSeat.WaitingTurn waiting))
            {
                waiting.Silo.Post(_ => RunInItsOwn(waiting.Silo, waiting.Turn));
            }
        }
    }

    private sealed class Visits(int count)
    {
        public int Count => count;
    }
}

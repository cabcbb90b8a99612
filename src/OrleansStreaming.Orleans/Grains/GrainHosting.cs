using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using OrleansStreaming.Core;
using OrleansStreaming.Engine;

namespace OrleansStreaming.Clustering;

/// <summary>
/// Runs turns in Orleans' grains. The first turn of a grain is a call, which brings up the activation. Later ones are queued
/// on the activation's scheduler, which costs no message, but now and then one is a call again: Orleans collects what is not
/// called. The core hands out one turn of a grain at a time, so that nothing interleaves.
/// </summary>
internal sealed class GrainHosting : IGrainHosting, IThreadPoolWorkItem
{
    private static readonly Action<object?> RunTurn = static turn => _ = ((HostedTurn)turn!).RunAsync();
    private readonly TurnCalls _calls;
    private readonly ConcurrentQueue<Seat> _released = new();
    private readonly long _callEveryMs;
    private int _releasing;

    public GrainHosting(TurnCalls calls, IOptions<GrainCollectionOptions> collection)
    {
        _calls = calls;
        GrainCollectionOptions options = collection.Value;
        TimeSpan age = options.ClassSpecificCollectionAge.TryGetValue(typeof(OperatorActivation).FullName!, out TimeSpan specific) ? specific : options.CollectionAge;
        _callEveryMs = (long)(age.TotalMilliseconds / 4);
    }

    public void Run(SiloIncarnation silo, HostedTurn turn)
    {
        Core.Grain grain = turn.Grain;
        Seat seat = (Seat)(grain.Seat ??= new Seat(silo, turn.Host, grain));
        if (seat.Activation is { } activation && turn.StartedMs - seat.CalledMs < _callEveryMs)
        {
            activation.Scheduler.QueueTask(new Task(RunTurn, turn));
            return;
        }

        seat.CalledMs = turn.StartedMs;
        _calls.Add(seat, turn);
    }

    public void Release(object seat)
    {
        _released.Enqueue((Seat)seat);
        if (Interlocked.Exchange(ref _releasing, 1) == 0)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    void IThreadPoolWorkItem.Execute()
    {
        do
        {
            while (_released.TryDequeue(out Seat? seat))
            {
                seat.Release();
            }

            Volatile.Write(ref _releasing, 0);
        }
        while (!_released.IsEmpty && Interlocked.Exchange(ref _releasing, 1) == 0);
    }
}

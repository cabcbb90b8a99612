namespace OrleansStreaming.Storage.Files;

/// <summary>
/// Threads that wait for the disk. Those of the pool are few, two where there are two cores: were they to wait here, a
/// recovery, which makes dozens of small files durable at once, would do two at a time, and keep sinks and timers waiting.
/// The thread that became free last is taken next, as its buffers are at hand; those that are not needed end after a while.
/// What is awaited behind a call goes on where it ended, so that a checkpoint that writes piece by piece needs no other thread.
/// </summary>
/// <param name="most">How many threads there are at most.</param>
internal sealed class DiskThreads(int most)
{
    private static readonly TimeSpan IdleFor = TimeSpan.FromSeconds(10);
    private readonly Queue<Call> _waiting = new();
    private readonly List<Worker> _idle = [];
    private int _threads;

    /// <summary>Does something on one of the threads.</summary>
    public Task<T> Run<T>(Func<T> work)
    {
        var call = new Call<T>(work);
        Start(call);
        return call.Task;
    }

    private void Start(Call call)
    {
        Worker? idle = null;
        lock (_waiting)
        {
            if (_idle.Count > 0)
            {
                idle = _idle[^1];
                _idle.RemoveAt(_idle.Count - 1);
            }
            else if (_threads == most)
            {
                _waiting.Enqueue(call);
                return;
            }
            else
            {
                _threads++;
            }
        }

        if (idle is not null)
        {
            idle.Give(call);
            return;
        }

        var worker = new Worker();
        worker.Give(call);
        new Thread(() => Work(worker)) { IsBackground = true, Name = "disk" }.Start();
    }

    private void Work(Worker worker)
    {
        while (true)
        {
            if (worker.Wait(IdleFor) is { } given)
            {
                for (Call? call = given; call is not null; call = TryTakeWaiting(worker))
                {
                    call.Execute();
                }
            }
            else if (TryEnd(worker))
            {
                return;
            }
        }
    }

    /// <summary>The next call; where there is none, the thread is free.</summary>
    private Call? TryTakeWaiting(Worker worker)
    {
        lock (_waiting)
        {
            if (!_waiting.TryDequeue(out Call? call))
            {
                _idle.Add(worker);
            }

            return call;
        }
    }

    /// <summary>Ends a thread, unless it is about to get a call.</summary>
    private bool TryEnd(Worker worker)
    {
        lock (_waiting)
        {
            bool free = _idle.Remove(worker);
            _threads -= free ? 1 : 0;
            return free;
        }
    }

    /// <summary>What a thread waits at: a monitor, which unlike a semaphore does not spin first.</summary>
    private sealed class Worker
    {
        private readonly object _lock = new();
        private Call? _given;

        public void Give(Call call)
        {
            lock (_lock)
            {
                _given = call;
                Monitor.Pulse(_lock);
            }
        }

        /// <summary>What it is given; null when that is nothing for so long.</summary>
        public Call? Wait(TimeSpan limit)
        {
            lock (_lock)
            {
                if (_given is null)
                {
                    Monitor.Wait(_lock, limit);
                }

                Call? given = _given;
                _given = null;
                return given;
            }
        }
    }

    private abstract class Call
    {
        public abstract void Execute();
    }

    private sealed class Call<T>(Func<T> work) : Call
    {
        private readonly TaskCompletionSource<T> _done = new();

        public Task<T> Task => _done.Task;

        public override void Execute()
        {
            T result;
            try
            {
                result = work();
            }
            catch (Exception e)
            {
                _done.SetException(e);
                return;
            }

            _done.SetResult(result);
        }
    }
}

namespace OrleansStreaming.Storage.Files;

/// <summary>
/// Threads that wait for the disk. Those of the pool are few, two where there are two cores: were they to wait here, a
/// recovery, which makes dozens of small files durable at once, would do two at a time, and keep sinks and timers waiting.
/// A thread is started when there is more to do than threads that are free, and ends when there has been nothing for a while.
/// </summary>
/// <param name="most">How many threads there are at most.</param>
internal sealed class DiskThreads(int most) : TaskScheduler
{
    private static readonly TimeSpan IdleFor = TimeSpan.FromSeconds(10);
    private readonly Queue<Task> _waiting = new();
    private int _threads;
    private int _idle;

    public override int MaximumConcurrencyLevel => most;

    /// <summary>Runs something on one of the threads; what is awaited behind it goes on elsewhere.</summary>
    public Task<T> Run<T>(Func<T> work) => Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.DenyChildAttach, this);

    protected override void QueueTask(Task task)
    {
        lock (_waiting)
        {
            _waiting.Enqueue(task);
            if (_waiting.Count <= _idle || _threads == most)
            {
                Monitor.Pulse(_waiting);
                return;
            }

            _threads++;
        }

        new Thread(Work) { IsBackground = true, Name = "disk" }.Start();
    }

    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    protected override IEnumerable<Task> GetScheduledTasks()
    {
        lock (_waiting)
        {
            return [.. _waiting];
        }
    }

    private void Work()
    {
        while (TryTake() is { } task)
        {
            TryExecuteTask(task);
        }
    }

    private Task? TryTake()
    {
        lock (_waiting)
        {
            while (_waiting.Count == 0)
            {
                _idle++;
                bool called = Monitor.Wait(_waiting, IdleFor);
                _idle--;
                if (!called && _waiting.Count == 0)
                {
                    _threads--;
                    return null;
                }
            }

            return _waiting.Dequeue();
        }
    }
}

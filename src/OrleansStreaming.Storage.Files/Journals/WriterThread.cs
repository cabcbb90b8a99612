using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Files;

/// <summary>
/// A thread of its own for a journal's writes and flushes. They block for milliseconds; on the thread pool a few journals
/// could hold every thread, and the pool adds threads only slowly.
/// </summary>
internal sealed class WriterThread : IDisposable
{
    private readonly SemaphoreSlim _ready = new(0);
    private readonly Lock _lock = new();
    private Action? _work;
    private TaskCompletionSource? _done;
    private bool _stopped;

    public WriterThread(string name)
    {
        new Thread(Loop) { Name = name, IsBackground = true }.Start();
    }

    /// <summary>Runs an action; the one before must have ended. Whoever awaits it goes on on this thread, see <see cref="IJournalWriter.AppendAsync"/>.</summary>
    public Task RunAsync(Action work)
    {
        // To wake a thread of the pool first would cost every event a tenth of a millisecond on a busy machine.
        var done = new TaskCompletionSource();
        lock (_lock)
        {
            if (_stopped)
            {
                done.SetException(new ObjectDisposedException(nameof(WriterThread)));
                return done.Task;
            }

            _done = done;
            _work = work;
        }

        _ready.Release();
        return done.Task;
    }

    /// <summary>Lets the thread end after what it does now.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_stopped)
            {
                return;
            }

            _stopped = true;
        }

        _ready.Release();
    }

    private void Loop()
    {
        while (true)
        {
            _ready.Wait();
            Action? work;
            TaskCompletionSource? done;
            lock (_lock)
            {
                (work, done) = (_work, _done);
                (_work, _done) = (null, null);
                if (work is null)
                {
                    if (_stopped)
                    {
                        return;
                    }

                    continue;
                }
            }

            try
            {
                work();
                done!.SetResult();
            }
            catch (Exception e)
            {
                done!.SetException(e);
            }
        }
    }
}

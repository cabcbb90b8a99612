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
    private bool _stopped;

    public WriterThread(string name)
    {
        new Thread(Loop) { Name = name, IsBackground = true }.Start();
    }

    /// <summary>Runs an action, which must not throw; the one before must have ended, or be ending.</summary>
    /// <exception cref="ObjectDisposedException">The thread has been told to end.</exception>
    public void Run(Action work)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_stopped, this);
            _work = work;
        }

        _ready.Release();
    }

    /// <summary>As <see cref="Run"/>; the action may throw. Whoever awaits it goes on on this thread, see <see cref="IJournalWriter.AppendAsync"/>.</summary>
    public Task RunAsync(Action work)
    {
        // To wake a thread of the pool first would cost every event a tenth of a millisecond on a busy machine.
        var done = new TaskCompletionSource();
        Run(() =>
        {
            try
            {
                work();
            }
            catch (Exception e)
            {
                done.SetException(e);
                return;
            }

            done.SetResult();
        });
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
            lock (_lock)
            {
                (work, _work) = (_work, null);
                if (work is null)
                {
                    if (_stopped)
                    {
                        return;
                    }

                    continue;
                }
            }

            work();
        }
    }
}

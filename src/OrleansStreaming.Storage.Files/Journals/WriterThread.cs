using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Files;

/// <summary>
/// A thread of its own for a journal's writes and flushes. They block for milliseconds; on the thread pool a few journals
/// could hold every thread, and the pool adds threads only slowly.
/// </summary>
internal sealed class WriterThread : IDisposable
{
    private readonly object _lock = new(); // To wait at it: unlike what is made for waiting, a monitor does not spin first, and journals rest most of the time.
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
            Monitor.Pulse(_lock);
        }
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
            _stopped = true;
            Monitor.Pulse(_lock);
        }
    }

    private void Loop()
    {
        while (Take() is { } work)
        {
            work();
        }
    }

    /// <summary>What is to be done next; null when that is nothing for ever.</summary>
    private Action? Take()
    {
        lock (_lock)
        {
            while (_work is null && !_stopped)
            {
                Monitor.Wait(_lock);
            }

            Action? work = _work;
            _work = null;
            return work;
        }
    }
}

namespace OrleansStreaming.Storage.Files.Tests;

/// <summary>Stops whoever comes by, until the test lets it go on.</summary>
internal sealed class Pause(Func<FileOperation, bool> matches) : IDisposable
{
    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ManualResetEventSlim _release = new();
    private int _used;

    /// <summary>Ends when somebody has stopped.</summary>
    public Task Reached => _reached.Task.WaitAsync(TimeSpan.FromSeconds(20));

    /// <summary>A hook: stops the first operation that matches.</summary>
    public void Before(FileOperation operation)
    {
        if (matches(operation) && Interlocked.Exchange(ref _used, 1) == 0)
        {
            _reached.SetResult();
            _release.Wait();
        }
    }

    public void Release() => _release.Set();

    public void Dispose() => Release();
}

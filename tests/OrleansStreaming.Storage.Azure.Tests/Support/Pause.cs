namespace OrleansStreaming.Storage.Azure.Tests;

/// <summary>Holds up the first request of a kind, as a pause of the process would.</summary>
internal sealed class Pause(Func<Asked, bool> which) : IDisposable
{
    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task Reached => _reached.Task.WaitAsync(TimeSpan.FromSeconds(20));

    public Task BeforeAsync(Asked asked)
    {
        if (!which(asked) || !_reached.TrySetResult())
        {
            return Task.CompletedTask;
        }

        return _released.Task;
    }

    public void Release() => _released.TrySetResult();

    public void Dispose() => Release();
}

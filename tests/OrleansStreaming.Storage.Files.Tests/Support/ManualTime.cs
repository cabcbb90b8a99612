namespace OrleansStreaming.Storage.Files.Tests;

/// <summary>A clock whose timers fire when the test says so.</summary>
internal sealed class ManualTime : TimeProvider
{
    private readonly TaskCompletionSource<(TimeSpan Due, Action Fire)> _timer = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The first timer that was set.</summary>
    public Task<(TimeSpan Due, Action Fire)> Timer => _timer.Task.WaitAsync(TimeSpan.FromSeconds(20));

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        _timer.TrySetResult((dueTime, () => callback(state)));
        return new NoTimer();
    }

    private sealed class NoTimer : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose()
        {
        }

        public ValueTask DisposeAsync() => default;
    }
}

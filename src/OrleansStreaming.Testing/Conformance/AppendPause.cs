using OrleansStreaming.Core;

namespace OrleansStreaming.Testing;

/// <summary>Where an append stands still.</summary>
public enum AppendStep
{
    /// <summary>Nothing has reached the medium.</summary>
    BeforeWrite,

    /// <summary>All has reached the medium, and the writer has not yet looked whether it may confirm.</summary>
    BeforeConfirm,
}

/// <summary>Holds up one append, as when its process stands still. Thread-safe.</summary>
/// <param name="step">Where.</param>
public sealed class AppendPause(AppendStep step)
{
    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Where the append is to stop.</summary>
    public AppendStep Step { get; } = step;

    /// <summary>Completes when the append has come there.</summary>
    internal Task Reached => _reached.Task;

    /// <summary>For the storage under test: the append is there. Returns what it must wait for; only the first that comes waits.</summary>
    public Task Arrive() => _reached.TrySetResult() ? _released.Task : Task.CompletedTask;

    /// <summary>Lets the append go on.</summary>
    public void Release() => _released.TrySetResult();
}

namespace FlightCluster.Drive;

/// <summary>
/// Keeps the flights and the steps of what is done to the cluster together, however fast each goes: steps are evenly spread
/// over the flights, and flights that are far beyond a step wait until it is over. May be asked from any thread.
/// </summary>
internal sealed class Course(int flights, int steps)
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(10);
    private readonly TaskCompletionSource[] _over = [.. Enumerable.Range(0, steps).Select(_ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously))];

    public int Steps => steps;

    /// <summary>Waits until a flight may be sent.</summary>
    public Task PassAsync(int flight, CancellationToken cancellationToken)
    {
        int halves = (int)(2L * flight * (steps + 1) / flights); // Step k is due after 2 (k + 1) halves of what lies between two steps.
        return halves < 3 || steps == 0 ? Task.CompletedTask : _over[Math.Min(steps - 1, (halves - 3) / 2)].Task.WaitAsync(cancellationToken);
    }

    /// <summary>Waits until so many flights are durable that a step is due.</summary>
    public async Task WhenDueAsync(int step, Func<int> durable, CancellationToken cancellationToken)
    {
        while (durable() < (long)flights * (step + 1) / (steps + 1))
        {
            await Task.Delay(Poll, cancellationToken);
        }
    }

    /// <summary>A step is over.</summary>
    public void Over(int step) => _over[step].TrySetResult();
}

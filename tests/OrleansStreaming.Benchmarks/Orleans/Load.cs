namespace OrleansStreaming.Benchmarks;

/// <summary>Sends events to a contender as fast as it takes them, and never more than some ahead of what it has processed.</summary>
internal sealed class Load(Contender contender, WorkKeys keys, bool timed = false)
{
    private long _next;
    private long _sent;

    /// <summary>Events that have been handed over.</summary>
    public long Sent => Interlocked.Read(ref _sent);

    /// <summary>Sends until there are enough, which then are processed, or until it is told to stop.</summary>
    public async Task RunAsync(long count, CancellationToken? stop, CancellationToken cancellationToken)
    {
        long end = count == long.MaxValue ? long.MaxValue : Interlocked.Read(ref _next) + count;
        await Task.WhenAll(Enumerable.Range(0, contender.Senders).Select(_ => Task.Run(() => SendAsync(end, stop, cancellationToken), cancellationToken)));
        while (stop is null && contender.Processed < Sent)
        {
            await Task.Delay(5, cancellationToken);
        }
    }

    private async Task SendAsync(long end, CancellationToken? stop, CancellationToken cancellationToken)
    {
        while (stop is not { IsCancellationRequested: true })
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (Sent - contender.Processed > contender.MaxAhead)
            {
                await Task.Delay(1, cancellationToken);
                continue;
            }

            long from = Interlocked.Add(ref _next, contender.AtOnce) - contender.AtOnce;
            if (from >= end)
            {
                return;
            }

            int taken = await contender.SendAsync(from, keys, (int)Math.Min(contender.AtOnce, end - from), timed, cancellationToken);
            Interlocked.Add(ref _sent, taken);
        }
    }
}

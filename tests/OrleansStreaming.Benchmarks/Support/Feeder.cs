namespace OrleansStreaming.Benchmarks;

/// <summary>
/// Publishes numbered events as fast as the engine takes them: several requests at a time, and never more ahead of the turns
/// than fits into memory, so that the edge never refuses.
/// </summary>
internal sealed class Feeder<TEvent>(StreamingEngine engine, string stream, Func<long, TEvent> make)
{
    private const int BatchEvents = 4096;
    private const int Requests = 6;
    private const int MaxAhead = 400_000;
    private long _next;
    private long _published;

    /// <summary>Events that are durable.</summary>
    public long Published => Interlocked.Read(ref _published);

    /// <summary>Publishes the events from a number up to below another; returns when they are durable.</summary>
    /// <param name="first">The first number.</param>
    /// <param name="end">The number behind the last.</param>
    /// <param name="taken">How many of these have been processed so far.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task FeedAsync(long first, long end, Func<long> taken, CancellationToken cancellationToken)
    {
        _next = first;
        await Task.WhenAll(Enumerable.Range(0, Requests).Select(_ => Task.Run(() => PublishAsync(first, end, taken, cancellationToken), cancellationToken)));
    }

    private async Task PublishAsync(long first, long end, Func<long> taken, CancellationToken cancellationToken)
    {
        while (true)
        {
            long from = Interlocked.Add(ref _next, BatchEvents) - BatchEvents;
            if (from >= end)
            {
                return;
            }

            while (from - first - taken() > MaxAhead)
            {
                await Task.Delay(1, cancellationToken);
            }

            int count = (int)Math.Min(BatchEvents, end - from);
            IngestAnswer answer = await engine.PublishAsync(stream, Batch(from, count), cancellationToken);
            if (answer.Outcome != IngestOutcome.Durable || answer.Accepted != count)
            {
                throw new InvalidOperationException($"The edge took {answer.Accepted} of {count} events: {answer.Outcome}.");
            }

            Interlocked.Add(ref _published, count);
        }
    }

    private IEnumerable<TEvent> Batch(long from, int count)
    {
        for (long number = from; number < from + count; number++)
        {
            yield return make(number);
        }
    }
}

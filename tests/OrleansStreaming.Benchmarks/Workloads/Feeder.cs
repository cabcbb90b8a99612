namespace OrleansStreaming.Benchmarks;

/// <summary>Brings numbered events into the engine.</summary>
internal abstract class Feeder<TEvent>(Func<long, TEvent> make)
{
    protected TEvent Make(long number) => make(number);

    /// <summary>Feeds the events from a number up to below another; may return before they are processed.</summary>
    /// <param name="first">The first number.</param>
    /// <param name="end">The number behind the last.</param>
    /// <param name="done">How many of these have been processed so far.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public abstract Task FeedAsync(long first, long end, Func<long> done, CancellationToken cancellationToken);
}

/// <summary>
/// Publishes as fast as the engine takes it: several requests at a time, and never more ahead of the turns than fits into
/// memory, so that the edge never refuses.
/// </summary>
internal sealed class PublishFeeder<TEvent>(StreamingEngine engine, string stream, Func<long, TEvent> make, int maxAhead) : Feeder<TEvent>(make)
{
    private const int BatchEvents = 4096;
    private const int Requests = 6;
    private long _next;

    public override async Task FeedAsync(long first, long end, Func<long> done, CancellationToken cancellationToken)
    {
        _next = first;
        await Task.WhenAll(Enumerable.Range(0, Requests).Select(_ => Task.Run(() => PublishAsync(first, end, done, cancellationToken), cancellationToken)));
    }

    private async Task PublishAsync(long first, long end, Func<long> done, CancellationToken cancellationToken)
    {
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(1)); // Waiting must not allocate: what an event allocates is measured.
        while (true)
        {
            long from = Interlocked.Add(ref _next, BatchEvents) - BatchEvents;
            if (from >= end)
            {
                return;
            }

            while (from - first - done() > maxAhead)
            {
                await tick.WaitForNextTickAsync(cancellationToken);
            }

            int count = (int)Math.Min(BatchEvents, end - from);
            IngestAnswer answer = await engine.PublishAsync(stream, Batch(from, count), cancellationToken);
            if (answer.Outcome != IngestOutcome.Durable || answer.Accepted != count)
            {
                throw new InvalidOperationException($"The edge took {answer.Accepted} of {count} events: {answer.Outcome}.");
            }
        }
    }

    private IEnumerable<TEvent> Batch(long from, int count)
    {
        for (long number = from; number < from + count; number++)
        {
            yield return Make(number);
        }
    }
}

/// <summary>
/// A source that pauses where it is told to: exactly once, whatever fails. Written by hand, as an iterator of the compiler
/// would take longer for an event than some parts of the engine do.
/// </summary>
internal sealed class SourceFeeder<TEvent>(Func<long, TEvent> make) : Feeder<TEvent>(make), ISource<TEvent>
{
    private readonly SemaphoreSlim _more = new(0);
    private long _end;

    public override Task FeedAsync(long first, long end, Func<long> done, CancellationToken cancellationToken)
    {
        Volatile.Write(ref _end, end);
        _more.Release();
        return Task.CompletedTask;
    }

    public IAsyncEnumerable<SourceEvent<TEvent>> ReadAsync(long after, CancellationToken cancellationToken) => new Reading(this, after + 1, cancellationToken);

    private sealed class Reading(SourceFeeder<TEvent> source, long next, CancellationToken stop) : IAsyncEnumerable<SourceEvent<TEvent>>, IAsyncEnumerator<SourceEvent<TEvent>>
    {
        private SourceEvent<TEvent> _current;

        public SourceEvent<TEvent> Current => _current;

        public IAsyncEnumerator<SourceEvent<TEvent>> GetAsyncEnumerator(CancellationToken cancellationToken) => this;

        public ValueTask<bool> MoveNextAsync()
        {
            if (next >= Volatile.Read(ref source._end))
            {
                return WaitAsync();
            }

            _current = new SourceEvent<TEvent>(next, source.Make(next));
            next++;
            return new ValueTask<bool>(true);
        }

        public ValueTask DisposeAsync() => default;

        private async ValueTask<bool> WaitAsync()
        {
            await source._more.WaitAsync(stop);
            return await MoveNextAsync();
        }
    }
}

using System.Diagnostics;

namespace OrleansStreaming.Benchmarks;

/// <summary>Publishes events at a steady rate, whether or not earlier ones have come through.</summary>
/// <param name="engine">Takes them.</param>
/// <param name="stream">Their stream.</param>
/// <param name="rate">Events a second.</param>
/// <param name="make">Makes an event from its number.</param>
internal sealed class OpenLoop<TEvent>(StreamingEngine engine, string stream, int rate, Func<long, TEvent> make)
{
    private const int SendEveryMicros = 150;

    /// <summary>Offers events until there are enough or it is told to stop; returns, when all are durable, the number behind the last.</summary>
    /// <param name="first">The number of the first.</param>
    /// <param name="count">How many at most.</param>
    /// <param name="stop">Ends the offer.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="InvalidOperationException">The edge has refused events.</exception>
    public Task<long> RunAsync(long first, long count, CancellationToken stop, CancellationToken cancellationToken) =>
        Task.Factory.StartNew(() => OfferAsync(first, count, stop, cancellationToken), cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default).Unwrap();

    private async Task<long> OfferAsync(long first, long count, CancellationToken stop, CancellationToken cancellationToken)
    {
        double ticksPerEvent = (double)Stopwatch.Frequency / rate;
        var sending = new List<Task<IngestAnswer>>();
        long start = Stopwatch.GetTimestamp(), sent = 0;
        while (sent < count && !stop.IsCancellationRequested)
        {
            cancellationToken.ThrowIfCancellationRequested();
            long now = Stopwatch.GetTimestamp();
            long due = Math.Min(count, (long)((now - start) / ticksPerEvent));
            if (due > sent)
            {
                var batch = new TEvent[due - sent];
                for (int i = 0; i < batch.Length; i++, sent++)
                {
                    batch[i] = make(first + sent);
                }

                sending.Add(engine.PublishAsync(stream, batch, cancellationToken));
            }

            Native.SleepMicros(SendEveryMicros);
        }

        IngestAnswer[] answers = await Task.WhenAll(sending);
        if (answers.Any(a => a.Outcome != IngestOutcome.Durable))
        {
            throw new InvalidOperationException($"The edge refused events: {rate} a second are too many here.");
        }

        return first + sent;
    }
}

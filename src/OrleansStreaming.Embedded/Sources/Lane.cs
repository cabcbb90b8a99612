using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Embedded;

/// <summary>
/// A source's way into one partition. Several batches are under way at once; as each names the position before it, the
/// partition takes them in order or not at all. When one is refused, so are those behind it: then all are waited for, and
/// what has not arrived goes out again, one by one.
/// </summary>
internal sealed class Lane(StreamingEngine engine, SourceDefinition source, int index, byte[] id)
{
    private const int MaxUnderWay = 16;
    private static readonly TimeSpan BusyWait = TimeSpan.FromMilliseconds(20);
    private readonly Queue<Batch> _underWay = new();
    private long _sent;

    /// <summary>The position of the last event that was stored or gathered.</summary>
    public long Last { get; set; }

    /// <summary>Asks for the last position that the partition has.</summary>
    public async Task AskAsync(CancellationToken cancellationToken)
    {
        var nothing = new IngestEncoder.Part(PartitionId.Of(source.To, index), index);
        while (true)
        {
            IngestResult result = await engine.IngestPartAsync(nothing, id, 0, long.MinValue, cancellationToken).ConfigureAwait(false);
            if (result.Status == IngestStatus.OutOfOrder)
            {
                _sent = Last = result.Position;
                return;
            }

            await Task.Delay(BusyWait, engine.Time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Sends what has been gathered up to <see cref="Last"/>; waits while too much is under way.</summary>
    public async ValueTask SendAsync(IngestEncoder.Part part, CancellationToken cancellationToken)
    {
        while (_underWay.TryPeek(out Batch first) && (_underWay.Count >= MaxUnderWay || first.Stored.IsCompleted))
        {
            if (await first.Stored.ConfigureAwait(false) is { Status: IngestStatus.Durable })
            {
                _underWay.Dequeue().Part.Release();
            }
            else
            {
                await DrainAsync(cancellationToken).ConfigureAwait(false);
            }
        }

        long previous = _sent;
        _sent = Last;
        _underWay.Enqueue(new Batch(part, previous, Last, engine.IngestPartAsync(part, id, 0, previous, cancellationToken)));
    }

    /// <summary>Waits until everything sent is durable.</summary>
    public async Task DrainAsync(CancellationToken cancellationToken)
    {
        foreach (Batch batch in _underWay)
        {
            await batch.Stored.ConfigureAwait(false); // Before anything goes out again, nothing may still be on its way.
        }

        while (_underWay.TryDequeue(out Batch batch))
        {
            if (await batch.Stored.ConfigureAwait(false) is not { Status: IngestStatus.Durable })
            {
                await SendAgainAsync(batch, cancellationToken).ConfigureAwait(false);
            }

            batch.Part.Release();
        }
    }

    /// <summary>Waits until nothing is on its way any more, whatever became of it: the source is about to be read again.</summary>
    public async Task SettleAsync()
    {
        foreach (Batch batch in _underWay)
        {
            await ((Task)batch.Stored).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task SendAgainAsync(Batch batch, CancellationToken cancellationToken)
    {
        while (true)
        {
            IngestResult result = await engine.IngestPartAsync(batch.Part, id, 0, batch.Previous, cancellationToken).ConfigureAwait(false);
            switch (result.Status)
            {
                case IngestStatus.Durable:
                case IngestStatus.OutOfOrder when result.Position == batch.Last:
                    return;
                case IngestStatus.OutOfOrder when result.Position != batch.Previous:
                    throw new InvalidOperationException(
                        $"source {source.Name}: partition {index} stands at {result.Position}, expected {batch.Previous} or {batch.Last}; it is read again");
                default:
                    await Task.Delay(BusyWait, engine.Time, cancellationToken).ConfigureAwait(false);
                    break;
            }
        }
    }

    /// <summary>A batch under way.</summary>
    /// <param name="Part">Its events.</param>
    /// <param name="Previous">The position before the first.</param>
    /// <param name="Last">The position of the last.</param>
    /// <param name="Stored">What became of it.</param>
    private readonly record struct Batch(IngestEncoder.Part Part, long Previous, long Last, Task<IngestResult> Stored);
}

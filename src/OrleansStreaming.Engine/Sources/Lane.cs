using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Engine;

/// <summary>
/// A source's way into one partition. Several batches are under way at once; as each names the position before it, the
/// partition takes them in order or not at all. When one is refused, so are those behind it: then all are waited for, and
/// what has not arrived goes out again, one by one. Batches and their buffers are used again.
/// </summary>
internal sealed class Lane(StreamingEngine engine, SourceDefinition source, int index, byte[] id)
{
    private const int MaxUnderWay = 16;
    private static readonly TimeSpan BusyWait = TimeSpan.FromMilliseconds(20);
    private readonly Queue<Batch> _underWay = new();
    private readonly Stack<Batch> _spare = new();
    private readonly int _partition = PartitionId.Of(source.To, index);
    private TaskCompletionSource? _waiting;
    private Batch? _gathering;
    private long _sent;

    /// <summary>The position of the last event that was stored or gathered.</summary>
    public long Last { get; private set; }

    /// <summary>Bytes that have been gathered and not sent.</summary>
    public int Gathered => _gathering?.Part.Length ?? 0;

    /// <summary>Asks for the last position that the partition has.</summary>
    public async Task AskAsync(CancellationToken cancellationToken)
    {
        var nothing = new IngestEncoder.Part(_partition);
        while (true)
        {
            IngestResult result = await engine.IngestPartAsync(nothing, id, 0, long.MinValue, 0, cancellationToken).ConfigureAwait(false);
            if (result.Status == IngestStatus.OutOfOrder)
            {
                _sent = Last = result.Position;
                return;
            }

            await Task.Delay(BusyWait, engine.Time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Adds an event to what is sent next.</summary>
    public void Gather<TEvent>(ref Row row, IEventSerializer<TEvent> serializer, in TEvent value, long position)
    {
        _gathering ??= _spare.TryPop(out Batch? spare) ? spare : new Batch(this);
        _gathering.Part.Append(ref row, serializer, in value);
        Last = position;
    }

    /// <summary>Sends what has been gathered; waits while too much is under way.</summary>
    public async ValueTask SendAsync(CancellationToken cancellationToken)
    {
        while (_underWay.TryPeek(out Batch? first) && (_underWay.Count >= MaxUnderWay || first.Answered))
        {
            await WhenAnsweredAsync(first, cancellationToken).ConfigureAwait(false);
            if (first.Result.Status == IngestStatus.Durable)
            {
                Recycle(_underWay.Dequeue());
            }
            else
            {
                await DrainAsync(cancellationToken).ConfigureAwait(false);
            }
        }

        if (_gathering is { } batch)
        {
            _gathering = null;
            _underWay.Enqueue(batch);
            batch.Post(_sent, Last);
            _sent = Last;
        }
    }

    /// <summary>Waits until everything sent is durable.</summary>
    public async Task DrainAsync(CancellationToken cancellationToken)
    {
        // Before anything goes out again, nothing may still be on its way.
        await SettleAsync(cancellationToken).ConfigureAwait(false);
        while (_underWay.TryPeek(out Batch? batch))
        {
            if (batch.Result.Status != IngestStatus.Durable)
            {
                await SendAgainAsync(batch, cancellationToken).ConfigureAwait(false);
            }

            Recycle(_underWay.Dequeue());
        }
    }

    /// <summary>Waits until nothing is on its way any more, whatever became of it.</summary>
    public async Task SettleAsync(CancellationToken cancellationToken)
    {
        foreach (Batch batch in _underWay)
        {
            await WhenAnsweredAsync(batch, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task SendAgainAsync(Batch batch, CancellationToken cancellationToken)
    {
        while (true)
        {
            IngestResult result = await engine.IngestPartAsync(batch.Part, id, 0, batch.Previous, batch.Last, cancellationToken).ConfigureAwait(false);
            switch (result.Status)
            {
                case IngestStatus.Durable:
                case IngestStatus.OutOfOrder when result.Position >= batch.Last: // Only this source writes under this name: it has survived.
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

    private async ValueTask WhenAnsweredAsync(Batch batch, CancellationToken cancellationToken)
    {
        while (!batch.Answered)
        {
            var waiting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Volatile.Write(ref _waiting, waiting);
            Interlocked.MemoryBarrier(); // Whoever answers sees the one that waits, or is seen to have answered.
            if (!batch.Answered)
            {
                await waiting.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private byte[] Id => id;

    private ISiloLink? FindOwner() => engine.FindOwner(_partition);

    private void Recycle(Batch batch)
    {
        batch.Part.Clear();
        _spare.Push(batch);
    }

    /// <summary>A batch under way.</summary>
    private sealed class Batch
    {
        private readonly Lane _lane;
        private readonly Action<IngestResult> _done;
        private volatile bool _answered;

        public Batch(Lane lane)
        {
            _lane = lane;
            _done = Done;
            Part = new IngestEncoder.Part(lane._partition);
        }

        /// <summary>Its events.</summary>
        public IngestEncoder.Part Part { get; }

        /// <summary>The position before the first.</summary>
        public long Previous { get; private set; }

        /// <summary>The position of the last.</summary>
        public long Last { get; private set; }

        public bool Answered => _answered;

        /// <summary>What became of it, once answered.</summary>
        public IngestResult Result { get; private set; }

        public void Post(long previous, long last)
        {
            Previous = previous;
            Last = last;
            _answered = false;
            if (_lane.FindOwner() is { } owner)
            {
                owner.Ingest(Part.ToBatch(_lane.Id, 0, previous, last, _done));
            }
            else
            {
                Done(new IngestResult(IngestStatus.NotHere));
            }
        }

        private void Done(IngestResult result)
        {
            Result = result;
            _answered = true;
            Interlocked.MemoryBarrier();
            Volatile.Read(ref _lane._waiting)?.TrySetResult();
        }
    }
}

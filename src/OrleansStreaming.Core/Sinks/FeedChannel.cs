using System.Collections.Concurrent;
using System.Threading.Channels;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Core;

/// <summary>A stable event as it is stored.</summary>
/// <param name="Offset">Where it lies.</param>
/// <param name="Before">The offset of the record before it, or what was trimmed.</param>
/// <param name="Type">See <see cref="EventType.Index"/>.</param>
/// <param name="Key">Its key.</param>
/// <param name="Payload">Its bytes.</param>
internal readonly record struct FeedEvent(long Offset, long Before, int Type, ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte> Payload);

/// <summary>Consecutive records of a partition; those that are no events, or void, are left out.</summary>
/// <param name="To">The last record.</param>
/// <param name="Events">The events among them, in order; may be none.</param>
internal sealed record FeedBatch(long To, IReadOnlyList<FeedEvent> Events);

/// <summary>Where the channels of a feed's partitions come and go. Called by silos, from any of their threads; returns at once.</summary>
internal interface IFeeds
{
    void Opened(FeedChannel channel);

    void Closed(FeedChannel channel);
}

/// <summary>
/// What the owner of a partition gives the reader of a feed, who runs elsewhere: batches in order, as far as there is room;
/// answers about the past; and back, how far everything has been delivered. Ends when the partition goes. Thread-safe; one
/// reader.
/// </summary>
internal sealed class FeedChannel(StreamDefinition stream, int partition, int index, int epoch, long start, long trimmedTo)
{
    /// <summary>What waits to be taken, at most.</summary>
    public const int MaxWaiting = 2048;

    private readonly Channel<FeedBatch> _batches = Channel.CreateUnbounded<FeedBatch>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Channel<bool> _signals = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly ConcurrentQueue<FeedRead> _reads = new();
    private readonly CancellationTokenSource _closed = new();
    private long _delivered = start;
    private long _trimmedTo = trimmedTo;
    private int _waiting;
    private int _claimed;
    private volatile bool _mustBeReplaced;

    public StreamDefinition Stream { get; } = stream;

    /// <summary>See <see cref="PartitionId"/>.</summary>
    public int Partition { get; } = partition;

    public int Index { get; } = index;

    public string Name => $"{Stream.Name}-{Index}";

    /// <summary>The ownership epoch.</summary>
    public int Epoch { get; } = epoch;

    /// <summary>The first batch begins behind it: what is at or below has been delivered before.</summary>
    public long Start { get; } = start;

    /// <summary>Whether the partition has gone. What was taken may still be used, and will be handed out again elsewhere unless it was delivered.</summary>
    public bool IsClosed => _closed.IsCancellationRequested;

    /// <summary>Records at or below are not there any more.</summary>
    public long TrimmedTo
    {
        get => Volatile.Read(ref _trimmedTo);
        set => Volatile.Write(ref _trimmedTo, value);
    }

    /// <summary>Everything at or below has been delivered, and need not be kept for this feed. Only moves forward.</summary>
    public long Delivered => Volatile.Read(ref _delivered);

    /// <summary>How often in a row delivery has failed, and with what; for people.</summary>
    public (int Attempts, Exception? Error) Trouble { get; set; }

    /// <summary>Whether something can be taken.</summary>
    public bool HasBatch => _batches.Reader.TryPeek(out _);

    public bool HasRoom => Volatile.Read(ref _waiting) < MaxWaiting;

    /// <summary>The owner is to open another one, from what has been delivered.</summary>
    public bool MustBeReplaced => _mustBeReplaced;

    /// <summary>Whoever takes from it claims it before; false when somebody else has, who may hold what has not been delivered.</summary>
    public bool TryClaim() => Interlocked.Exchange(ref _claimed, 1) == 0;

    /// <summary>Has the owner close it and open another one a little later, from what has been delivered.</summary>
    public void Replace()
    {
        _mustBeReplaced = true;
        Signal();
    }

    /// <summary>Takes the next batch, if there is one.</summary>
    public bool TryTake(out FeedBatch? batch)
    {
        if (!_batches.Reader.TryRead(out batch))
        {
            return false;
        }

        bool hadRoom = HasRoom;
        Interlocked.Add(ref _waiting, -Weight(batch));
        if (!hadRoom && HasRoom)
        {
            Signal();
        }

        return true;
    }

    /// <summary>Waits for a batch; false when the partition has gone.</summary>
    public ValueTask<bool> WaitAsync(CancellationToken cancellationToken) => _batches.Reader.WaitToReadAsync(cancellationToken);

    /// <summary>Tells how far everything has been delivered.</summary>
    public void Deliver(long to)
    {
        if (to > _delivered)
        {
            Volatile.Write(ref _delivered, to);
        }
    }

    /// <summary>Looks for events of one key in the past; null when the partition goes meanwhile.</summary>
    public Task<FeedHistory?> ReadAsync(FeedRead read)
    {
        _reads.Enqueue(read);
        Signal();
        if (IsClosed)
        {
            RefuseReads();
        }

        return read.Answer;
    }

    /// <summary>The owner's side: hands over a batch.</summary>
    public void Add(FeedBatch batch)
    {
        Interlocked.Add(ref _waiting, Weight(batch));
        _batches.Writer.TryWrite(batch);
    }

    /// <summary>The owner's side: the next question.</summary>
    public bool TryGetRead(out FeedRead? read) => _reads.TryDequeue(out read);

    /// <summary>The owner's side: completes when there is room again, or a question.</summary>
    public ValueTask<bool> SignalledAsync(CancellationToken cancellationToken) => _signals.Reader.ReadAsync(cancellationToken);

    public void Signal() => _signals.Writer.TryWrite(true);

    public void Close()
    {
        _closed.Cancel();
        _batches.Writer.TryComplete();
        _signals.Writer.TryComplete();
        RefuseReads();
    }

    private static int Weight(FeedBatch batch) => Math.Max(1, batch.Events.Count);

    private void RefuseReads()
    {
        while (_reads.TryDequeue(out FeedRead? read))
        {
            read.Refuse();
        }
    }
}

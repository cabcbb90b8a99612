using System.Collections.Concurrent;
using Orleans.Streams;
using OrleansStreaming.Core;
using OrleansStreaming.Engine;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Clustering;

/// <summary>
/// A partition as the pulling agent sees it: receives from the log's owner in this process, whoever that is over time, and
/// answers what cursors ask about the past. The agent's calls come one at a time; the others from any thread.
/// </summary>
internal sealed class PartitionQueue : IQueueAdapterReceiver
{
    private const int EventsPerReceive = 1024;
    private static readonly TimeSpan OwnerWait = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan AskWait = TimeSpan.FromMilliseconds(100);
    private readonly FeedHub _hub;
    private readonly StreamingProviderOptions _options;
    private readonly TimeProvider _time;
    private readonly ConcurrentQueue<Received> _words = new();
    private readonly Lock _lock = new();
    private readonly int _partition;
    private FeedChannel? _channel;
    private CancellationTokenSource? _waiting;
    private long _takenTo = Offset.None.Value;
    private bool _hasWord;
    private volatile bool _stopped;

    public PartitionQueue(StreamCatalog catalog, StreamDefinition stream, int index, FeedHub hub, StreamingProviderOptions options, ProviderLog log, TimeProvider time)
    {
        Catalog = catalog;
        Stream = stream;
        Name = $"{stream.Name}-{index}";
        Log = log;
        _partition = PartitionId.Of(stream, index);
        _hub = hub;
        _options = options;
        _time = time;
        Cache = new PartitionCache(this, options, time);
    }

    public StreamCatalog Catalog { get; }

    public StreamDefinition Stream { get; }

    /// <summary>Such as <c>flights-3</c>.</summary>
    public string Name { get; }

    public ProviderLog Log { get; }

    public PartitionCache Cache { get; }

    /// <summary>Records at or below are not there any more.</summary>
    public long TrimmedTo => _channel?.TrimmedTo ?? Offset.None.Value;

    /// <summary>Whether the agent goes, or the partition has gone: then a failed delivery says nothing about its subscriber.</summary>
    public bool IsLeaving => _stopped || _channel is not { IsClosed: false };

    public Task Initialize(TimeSpan timeout, CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task<IList<IBatchContainer>> GetQueueMessagesAsync(int maxCount, CancellationToken cancellationToken)
    {
        // On the agent's own scheduler throughout: what is taken goes to its cache.
        List<IBatchContainer> received = Take();
        if (received.Count == 0 && !_stopped && _channel is { } channel)
        {
            await WaitAsync(channel, cancellationToken);
            received = Take();
        }

        return received;
    }

    /// <summary>The cache keeps account, event by event.</summary>
    public Task MessagesDeliveredAsync(IList<IBatchContainer> messages, CancellationToken cancellationToken) => Task.CompletedTask;

    public Task Shutdown(TimeSpan timeout, CancellationToken cancellationToken)
    {
        Stop();
        return Task.CompletedTask;
    }

    // As Orleans called it before there were tokens.
    public Task Initialize(TimeSpan timeout) => Initialize(timeout, CancellationToken.None);

    public Task<IList<IBatchContainer>> GetQueueMessagesAsync(int maxCount) => GetQueueMessagesAsync(maxCount, CancellationToken.None);

    public Task MessagesDeliveredAsync(IList<IBatchContainer> messages) => MessagesDeliveredAsync(messages, CancellationToken.None);

    public Task Shutdown(TimeSpan timeout) => Shutdown(timeout, CancellationToken.None);

    /// <summary>Nothing is received any more, and nobody waits.</summary>
    public void Stop()
    {
        _stopped = true;
        Wake();
    }

    /// <summary>Partitions have come or gone, or there is word for a cursor: whoever waits looks.</summary>
    public void Wake()
    {
        lock (_lock)
        {
            _hasWord = true;
            _waiting?.Cancel();
        }
    }

    /// <summary>Asks all subscribers of a stream where they want to be, even if it has no new events.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="registered">How many subscriptions the registry has.</param>
    public void Ask(StreamId stream, int registered) => Post(new Received(stream) { Asks = true, Registered = registered, AskedAt = Cache.Now });

    /// <summary>The same once more, a moment later.</summary>
    public void AskAgain(Received word) => _ = Task.Run(async () =>
    {
        await Task.Delay(AskWait, _time).ConfigureAwait(false);
        Post(word);
    });

    /// <summary>Has the agent start over, which asks the registry of subscriptions anew.</summary>
    public void StartOver() => _channel?.Replace();

    /// <summary>Everything at or below has been delivered.</summary>
    public void Deliver(long to) => _channel?.Deliver(to);

    /// <summary>So many subscriptions fail.</summary>
    public void Failing(int count)
    {
        if (_channel is { } channel)
        {
            channel.Trouble = count == 0 ? default : (count, new InvalidOperationException($"delivery to {count} subscriptions fails, and is tried again; the log says which and why"));
        }
    }

    /// <summary>Reads the past for a cursor.</summary>
    public void Read(CacheCursor cursor, long after, long to, bool fromEarliest) =>
        _ = Task.Run(() => ReadAsync(cursor, Catalog.KeyOf(Stream, cursor.Line.Id), after, to, fromEarliest));

    private async Task ReadAsync(CacheCursor cursor, byte[] key, long after, long to, bool fromEarliest)
    {
        while (!_stopped && !cursor.IsDisposed)
        {
            if (_hub.Find(_partition) is { } channel
                && await channel.ReadAsync(new FeedRead(key, after, to, EventsPerReceive, fromEarliest)).ConfigureAwait(false) is { } history)
            {
                Post(new Received(cursor.Line.Id) { Cursor = cursor, History = history });
                return;
            }

            await Task.Delay(OwnerWait, _time).ConfigureAwait(false);
        }
    }

    private void Post(Received word)
    {
        _words.Enqueue(word);
        Wake();
    }

    private List<IBatchContainer> Take()
    {
        lock (_lock)
        {
            _hasWord = false;
        }

        var received = new List<IBatchContainer>();
        if (_stopped)
        {
            return received;
        }

        while (_words.TryDequeue(out Received? word))
        {
            word.SequenceToken = new OffsetToken(new Offset(Cache.ReadTo + 1));
            received.Add(word);
        }

        Bind();
        int count = 0;
        Received? last = null;
        while (count < EventsPerReceive && _channel is not null && _channel.TryTake(out FeedBatch? batch))
        {
            // A new owner begins where the last one had stored to have delivered: some of that is here already.
            foreach (Slice slice in Slice.Of(Catalog, Stream, batch!.Events.Where(e => e.Offset > _takenTo), _options.EventsPerDelivery))
            {
                received.Add(last = Received.Of(slice));
            }

            count += batch.Events.Count;
            _takenTo = Math.Max(_takenTo, batch.To);
            if (last is null)
            {
                Cache.PassOver(_takenTo);
            }
            else
            {
                last.To = _takenTo;
            }
        }

        return received;
    }

    private void Bind()
    {
        if (_channel is { IsClosed: false } || _hub.Find(_partition) is not { } channel || channel == _channel)
        {
            return;
        }

        if (!channel.TryClaim())
        {
            channel.Replace(); // An agent that was stopped has taken from it.
            return;
        }

        if (_channel is null)
        {
            _takenTo = channel.Start;
            Cache.Begin(channel.Start);
        }

        _channel = channel;
        Log.Receiving(Name, channel.Epoch, new Offset(channel.Start));
    }

    private async Task WaitAsync(FeedChannel channel, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(_options.ReceiveWait, _time);
        using CancellationTokenSource wait = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        lock (_lock)
        {
            if (_hasWord)
            {
                return;
            }

            _waiting = wait;
        }

        try
        {
            await channel.WaitAsync(wait.Token);
        }
        catch (OperationCanceledException)
        {
            // There is something else to do.
        }
        finally
        {
            lock (_lock)
            {
                _waiting = null;
            }
        }
    }
}

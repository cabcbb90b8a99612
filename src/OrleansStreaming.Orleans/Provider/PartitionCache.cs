using Orleans.Streams;
using OrleansStreaming.Core;

namespace OrleansStreaming.Clustering;

/// <summary>
/// The events of one partition that some subscriber has yet to take, sorted by Orleans stream. Full, it makes the agent
/// wait; a subscriber that takes nothing is then left behind, and reads its events from the log when it goes on. Knows how
/// far everything has been delivered. Used by the pulling agent alone.
/// </summary>
internal sealed partial class PartitionCache(PartitionQueue queue, StreamingProviderOptions options, TimeProvider time) : IQueueCache
{
    /// <summary>A failing subscriber that the agent has forgotten holds the position no longer than this.</summary>
    private static readonly long AbandonedMs = (long)TimeSpan.FromMinutes(5).TotalMilliseconds;

    /// <summary>What was purged lately: a subscription that is being made then may ask for it.</summary>
    private static readonly long RecentMs = (long)TimeSpan.FromMinutes(2).TotalMilliseconds;

    /// <summary>An agent that is told of a subscription has a cursor for it by then.</summary>
    private static readonly long HandshakeMs = (long)TimeSpan.FromSeconds(5).TotalMilliseconds;

    private readonly Dictionary<StreamId, CacheLine> _lines = [];
    private readonly Queue<Slice> _order = new();
    private readonly Dictionary<StreamId, long> _recent = [];
    private readonly Queue<(long At, StreamId Id, long Last)> _recentOrder = new();
    private readonly Queue<(long At, long Position)> _settling = new();
    private readonly HashSet<CacheCursor> _behind = [];
    private readonly HashSet<CacheCursor> _failing = [];
    private readonly HashSet<StreamId> _lost = [];
    private readonly long _origin = time.GetTimestamp();
    private long _start = Offset.None.Value;
    private long _purgedTo = Offset.None.Value;
    private long _notedPosition = long.MinValue;
    private long _deliveredTo = Offset.None.Value;
    private int _count;

    /// <summary>Milliseconds.</summary>
    public long Now => (long)time.GetElapsedTime(_origin).TotalMilliseconds;

    /// <summary>All that there is at or below has been added, or passed over.</summary>
    public long ReadTo { get; private set; } = Offset.None.Value;

    /// <summary>Everything at or below has been delivered to all subscribers there are.</summary>
    public long Position
    {
        get
        {
            long position = _order.TryPeek(out Slice? first) ? first.Before : ReadTo;
            foreach (CacheCursor cursor in _behind)
            {
                position = Math.Min(position, cursor.Pin ?? position);
            }

            return position;
        }
    }

    /// <summary>What is at or below has been delivered by others before.</summary>
    public void Begin(long start) => ReadTo = _start = _purgedTo = _deliveredTo = start;

    /// <summary>There is nothing for anybody up to here.</summary>
    public void PassOver(long to) => ReadTo = Math.Max(ReadTo, to);

    /// <summary>As many as it likes: whether there is room is asked elsewhere, after purging.</summary>
    public int GetMaxAddCount() => options.CacheEvents;

    public bool IsUnderPressure() => _count >= options.CacheEvents;

    public void AddToCache(IList<IBatchContainer> messages)
    {
        foreach (IBatchContainer message in messages)
        {
            Add((Received)message);
        }
    }

    /// <summary>Forgets what all have taken, and tells how far that is. The agent need not hear of it.</summary>
    public bool TryPurgeFromCache(out IList<IBatchContainer> purgedItems)
    {
        purgedItems = [];
        Purge();
        while (IsUnderPressure() && LeaveBehind())
        {
            Purge();
        }

        LetGo();
        long now = Now, position = Position;
        if (position != _notedPosition)
        {
            _notedPosition = position;
            _settling.Enqueue((now, position));
        }

        while (_settling.TryPeek(out var settled) && now - settled.At >= (long)options.SettleAfter.TotalMilliseconds)
        {
            Deliver(Math.Min(_settling.Dequeue().Position, position)); // Since then somebody may have asked for what is below.
        }

        while (_recentOrder.TryPeek(out var recent) && now - recent.At > RecentMs)
        {
            _recentOrder.Dequeue();
            if (_recent.GetValueOrDefault(recent.Id) == recent.Last)
            {
                _recent.Remove(recent.Id);
            }
        }

        return false;
    }

    /// <summary>The agent stops, and no subscription is being made: nothing has to settle.</summary>
    public void UpdateDeliveryProgress(StreamSequenceToken? earliestSubscriptionToken, DateTime utcNow)
    {
        Purge();
        Deliver(Position);
    }

    public IQueueCacheCursor GetCacheCursor(StreamId streamId, StreamSequenceToken? token)
    {
        if (token is not (null or OffsetToken))
        {
            throw new ArgumentException($"A subscription of stream provider '{queue.Catalog.Provider}' cannot begin at a {token.GetType().Name}: use the token that came with an event, or make an {nameof(OffsetToken)}.", nameof(token));
        }

        if (!_lines.TryGetValue(streamId, out CacheLine? line))
        {
            _lines.Add(streamId, line = new CacheLine(streamId));
        }

        // Orleans asks for the place that it remembers also when that was found to be gone.
        OffsetToken? place = _lost.Remove(streamId) ? OffsetToken.Earliest : (OffsetToken?)token;
        CacheCursor cursor = CursorAt(line, place);
        line.Cursors.Add(cursor);
        HoldFor(cursor, place);
        return cursor;
    }

    /// <summary>A cursor has found what it asked for to be gone: the one that replaces it begins at the earliest there is.</summary>
    public void Lost(CacheCursor cursor)
    {
        _lost.Add(cursor.Line.Id);
        queue.Log.SubscriberLostEvents(queue.Name, cursor.Line.Id, new Offset(cursor.After));
    }

    public void Failing(CacheCursor cursor)
    {
        if (_failing.Add(cursor))
        {
            queue.Failing(_failing.Count);
        }
    }

    public void Works(CacheCursor cursor)
    {
        if (_failing.Remove(cursor))
        {
            queue.Failing(_failing.Count);
        }
    }

    public void Remove(CacheCursor cursor)
    {
        cursor.Line.Cursors.Remove(cursor);
        _behind.Remove(cursor);
        Works(cursor);
        if (cursor.Line.IsEmpty && _lines.GetValueOrDefault(cursor.Line.Id) == cursor.Line)
        {
            _lines.Remove(cursor.Line.Id);
        }
    }

    /// <summary>Has the log read for a cursor; the answer comes with what the receiver gets next.</summary>
    public void Read(CacheCursor cursor, long after, long to, bool fromEarliest) => queue.Read(cursor, after, to, fromEarliest);

    public List<Slice> Slices(IEnumerable<FeedEvent> events) => Slice.Of(queue.Catalog, queue.Stream, events, options.EventsPerDelivery);

    public EventBatch Batch(StreamId id, IReadOnlyList<FeedEvent> events, OffsetToken token) => new(queue.Catalog, queue.Stream, id, events, token);

    private void Add(Received received)
    {
        if (received.Slice is { } slice)
        {
            if (!_lines.TryGetValue(slice.Id, out CacheLine? line))
            {
                _lines.Add(slice.Id, line = new CacheLine(slice.Id));
            }

            slice.AddedAt = Now;
            line.Add(slice);
            _order.Enqueue(slice);
            _count += slice.Events.Count;
            PassOver(received.To);
        }
        else if (received.Cursor is { IsDisposed: false } cursor)
        {
            cursor.Take(received.History!);
        }

        if (received.Asks && _lines.TryGetValue(received.StreamId, out CacheLine? asked))
        {
            Ask(asked, received);
        }
    }

    private void Ask(CacheLine line, Received word)
    {
        if (line.Cursors.Count > 0 && line.Cursors.Count < word.Registered)
        {
            if (Now - word.AskedAt < HandshakeMs)
            {
                queue.AskAgain(word); // The agent is told of a subscription before it has asked the subscriber for its place.
                return;
            }

            // The agent does not know of one, and would not hear of it.
            queue.Log.SubscriberUnknown(queue.Name, line.Id, word.Registered, line.Cursors.Count);
            queue.StartOver();
            return;
        }

        foreach (CacheCursor cursor in line.Cursors)
        {
            cursor.Ask();
        }
    }

    private CacheCursor CursorAt(CacheLine line, OffsetToken? token)
    {
        // What the cache has of the stream is not looked for in the log.
        long gone = line.First is { } first ? Math.Min(_purgedTo, first.First - 1) : _purgedTo;
        if (token is null)
        {
            return new CacheCursor(this, line, ReadTo, 0, false);
        }

        if (token.IsDelivered)
        {
            // All that was there when this agent began had been delivered, unless the subscriber was still being given the past.
            long after = token.IsBehind ? token.Through : Math.Max(token.Through, _start);
            bool missed = token.IsBehind || _recent.GetValueOrDefault(line.Id, Offset.None.Value) > after;
            return new CacheCursor(this, line, after, missed ? gone : 0, false);
        }

        long place = token.SequenceNumber;
        return place == Offset.None.Value
            ? new CacheCursor(this, line, place, gone, true)
            : new CacheCursor(this, line, place == queue.TrimmedTo ? place : place - 1, gone, false);
    }
}

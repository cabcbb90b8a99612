using Orleans.Streams;
using OrleansStreaming.Core;

namespace OrleansStreaming.Clustering;

/// <summary>
/// A subscriber's place in its stream: in the cache, or behind it, where its events are read from the log. Used by the
/// pulling agent alone. A place counts as passed only when the agent asks for the next one after it was given; an event
/// whose delivery failed is given again.
/// </summary>
internal sealed class CacheCursor(PartitionCache cache, CacheLine line, long after, long historyTo, bool fromEarliest) : IQueueCacheCursor
{
    private readonly Queue<Slice> _history = new();
    private EventBatch? _current;
    private StreamDataGoneException? _gone;
    private bool _given;
    private bool _failed;
    private bool _asks;
    private bool _reading;
    private bool _lastWasBehind;
    private long _readTo = after;
    private bool _fromEarliest = fromEarliest;

    public CacheLine Line { get; } = line;

    /// <summary>What the subscriber has been given and has taken.</summary>
    public long After { get; private set; } = after;

    /// <summary>Up to here events of the stream are to be read from the log.</summary>
    public long HistoryTo { get; private set; } = historyTo;

    /// <summary>What the position may not pass while this cursor is behind the cache; none when it does not hold it.</summary>
    public long? Pin { get; private set; }

    /// <summary>When it last moved, or came to be.</summary>
    public long MovedAt { get; private set; } = cache.Now;

    /// <summary>When its delivery failed last, while it has not succeeded since.</summary>
    public long? FailedAt { get; private set; }

    public bool IsDisposed { get; private set; }

    private bool IsBehind => _readTo < HistoryTo || _history.Count > 0;

    /// <summary>Something of its stream is in the log that it has not been given, and no longer in the cache.</summary>
    public void FallBehind(Slice slice)
    {
        _readTo = Math.Max(_readTo, After);
        HistoryTo = Math.Max(HistoryTo, slice.Last);
        Pin ??= slice.Before;
    }

    /// <summary>The position waits here until the cursor has caught up.</summary>
    public void Hold(long position) => Pin = position;

    /// <summary>An answer of the log.</summary>
    public void Take(FeedHistory history)
    {
        _reading = false;
        if (history.Gone && history.Events.Count == 0)
        {
            _gone = new StreamDataGoneException($"Events of stream {Line.Id} behind {new Offset(_readTo)} were asked for, and are not retained any more. The subscription goes on with the earliest there is.");
            return;
        }

        _fromEarliest = false;
        _readTo = history.ReadTo;
        foreach (Slice slice in cache.Slices(history.Events.Where(e => e.Offset > After)))
        {
            _history.Enqueue(slice);
        }

        // The subscriber's token says that more of the past is to come, and there is none.
        _asks |= !IsBehind && _lastWasBehind;
    }

    /// <summary>Its place is not kept any more; should it be used after all, the subscriber is told.</summary>
    public void Abandon()
    {
        _current = null;
        _gone = new StreamDataGoneException($"Delivery of stream {Line.Id} stood still behind {new Offset(After)} for too long. The subscription goes on with the earliest event there is.");
    }

    /// <summary>The subscriber is to be asked where it wants to be: an empty delivery does that.</summary>
    public void Ask() => _asks = true;

    /// <remarks>What is gone is thrown: Orleans tells the observer. A cache miss it would pass over in silence.</remarks>
    public QueueCacheCursorMoveResult MoveNextWithResult()
    {
        if (_current is not null && (!_given || _failed))
        {
            _failed = false;
            return QueueCacheCursorMoveResult.Success;
        }

        Pass();
        if (_gone is { } gone)
        {
            _gone = null;
            cache.Lost(this);
            throw gone;
        }

        return (_current = Next()) is not null ? QueueCacheCursorMoveResult.Success : QueueCacheCursorMoveResult.NoData;
    }

    public bool MoveNext() => MoveNextWithResult().Kind == QueueCacheCursorMoveResultKind.Success;

#nullable disable
    public IBatchContainer GetCurrent(out Exception exception)
    {
        exception = null;
        _given = true;
        return _current;
    }

    public void Refresh(StreamSequenceToken token)
    {
        // It looks when it is moved.
    }
#nullable restore

    public void RecordDeliveryFailure()
    {
        _failed = _current is not null;
        FailedAt = cache.Now;
        cache.Failing(this);
    }

    public void Dispose()
    {
        IsDisposed = true;
        cache.Remove(this);
    }

    /// <summary>The subscriber has what it was given.</summary>
    private void Pass()
    {
        if (_current is null)
        {
            return;
        }

        After = Math.Max(After, _current.Last);
        _current = null;
        _given = false;
        MovedAt = cache.Now;
        if (FailedAt is not null)
        {
            FailedAt = null;
            cache.Works(this);
        }

        if (Pin is { } pin)
        {
            Pin = Math.Max(pin, After);
        }
    }

    private EventBatch? Next()
    {
        if (_history.TryDequeue(out Slice? past))
        {
            return Batch(past, _lastWasBehind = IsBehind);
        }

        if (_readTo < HistoryTo)
        {
            if (!_reading)
            {
                _reading = true;
                cache.Read(this, _readTo, HistoryTo, _fromEarliest);
            }

            return Asked();
        }

        Pin = null;
        if (Line.FindAfter(After) is { } slice)
        {
            return Batch(slice, _lastWasBehind = false);
        }

        return Asked();
    }

    private EventBatch? Asked()
    {
        if (!_asks)
        {
            return null;
        }

        _asks = false;
        _lastWasBehind = IsBehind;
        return cache.Batch(Line.Id, [], OffsetToken.Delivered(After, After, IsBehind));
    }

    private EventBatch Batch(Slice slice, bool behind)
    {
        IReadOnlyList<FeedEvent> events = slice.First > After ? slice.Events : [.. slice.Events.Where(e => e.Offset > After)];
        return cache.Batch(Line.Id, events, OffsetToken.Delivered(events[0].Offset, slice.Last, behind));
    }
}

namespace OrleansStreaming.Clustering;

/// <content>What leaves the cache, and what counts as delivered.</content>
internal sealed partial class PartitionCache
{
    /// <summary>A subscription that is made now may be owed what the others have already: until it has it, that does not count as delivered. One that goes back by itself is not.</summary>
    private void HoldFor(CacheCursor cursor, OffsetToken? token)
    {
        bool isOwed = token is { IsBehind: false } && cursor.HistoryTo > Math.Max(cursor.After, _deliveredTo) && (token.IsDelivered || cursor.After >= _deliveredTo);
        if (isOwed && _behind.Add(cursor))
        {
            cursor.Hold(Math.Max(cursor.After, _deliveredTo));
        }
    }

    private void Deliver(long to)
    {
        _deliveredTo = Math.Max(_deliveredTo, to);
        queue.Deliver(to);
    }

    /// <summary>Forgets what all have taken.</summary>
    internal void Purge()
    {
        while (_order.TryPeek(out Slice? slice) && _lines[slice.Id] is var line && line.HasPassed(slice))
        {
            Drop(slice, line);
        }
    }

    private void Drop(Slice slice, CacheLine line)
    {
        _order.Dequeue();
        line.RemoveFirst();
        _count -= slice.Events.Count;
        _purgedTo = Math.Max(_purgedTo, slice.Last);
        _recent[slice.Id] = slice.Last;
        _recentOrder.Enqueue((Now, slice.Id, slice.Last));
        if (line.IsEmpty)
        {
            _lines.Remove(slice.Id);
        }
    }

    /// <summary>The first slice goes although some have not taken it, if none of them has moved for long.</summary>
    private bool LeaveBehind()
    {
        Slice slice = _order.Peek();
        CacheLine line = _lines[slice.Id];
        long now = Now, longAgo = now - (long)options.SlowAfter.TotalMilliseconds;
        CacheCursor[] waiting = [.. line.Cursors.Where(c => c.After < slice.Last)];
        if (slice.AddedAt > longAgo || waiting.Any(c => c.MovedAt > longAgo))
        {
            return false;
        }

        foreach (CacheCursor cursor in waiting)
        {
            if (_behind.Add(cursor))
            {
                queue.Log.SubscriberBehind(queue.Name, line.Id, new Offset(cursor.After));
            }

            cursor.FallBehind(slice);
        }

        Drop(slice, line);
        return true;
    }

    /// <summary>Cursors that have caught up, and those that nobody uses any more.</summary>
    private void LetGo()
    {
        _behind.RemoveWhere(c => c.Pin is null);
        foreach (CacheCursor cursor in _failing.Where(c => Now - c.FailedAt > AbandonedMs).ToArray())
        {
            queue.Log.SubscriberAbandoned(queue.Name, cursor.Line.Id, new Offset(cursor.After));
            Remove(cursor);
            cursor.Abandon();
        }
    }
}

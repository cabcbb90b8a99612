using OrleansStreaming.Topologies;

namespace OrleansStreaming.Core;

/// <summary>
/// Hands the stable events of one partition to a reader outside of the loop, through a <see cref="FeedChannel"/>, as far as
/// the reader has room. The reader tells how far it has delivered: that is the position, as it is a sink's. What the reader
/// holds and has not delivered is handed out again by the next owner.
/// </summary>
internal sealed class FeedRunner(Silo silo, Partition partition, SinkDefinition definition, long manifestPosition)
    : StableReader(definition, manifestPosition)
{
    private const int RowsReadPerStep = 4096;
    private const long ReplaceMs = 500;
    private readonly List<FeedRead> _reads = [];
    private FeedChannel? _channel;
    private IFeeds? _feeds;
    private LogCursor _cursor;
    private long _readTo;

    /// <summary>Its reader goes on with all others when delivery to one fails.</summary>
    public override bool IsParked => false;

    /// <summary>A reader that takes nothing keeps nobody from being done.</summary>
    public override bool HasWork => Phase == SinkPhase.Ready && _channel!.HasRoom && !_cursor.AtEnd(partition.Log);

    public override void Open()
    {
        _readTo = Math.Max(Position, partition.Manifest.Current.TrimmedTo);
        _cursor = LogCursor.After(partition.Log, _readTo);
        _channel = new FeedChannel(partition.Stream, partition.Id, partition.Index, partition.Epoch, _readTo, partition.Manifest.Current.TrimmedTo);
        _feeds = (IFeeds)silo.SinkInstance(Definition);
        Phase = SinkPhase.Ready;
        _feeds.Opened(_channel);
        Listen(_channel);
    }

    public override void Step()
    {
        if (Phase != SinkPhase.Ready)
        {
            return;
        }

        FeedChannel channel = _channel!;
        Position = Math.Max(Position, channel.Delivered);
        (Attempts, LastError) = channel.Trouble;
        if (channel.MustBeReplaced)
        {
            // Not at once: that it was gone is to be noticed.
            Phase = SinkPhase.BackingOff;
            CloseChannel(channel);
            silo.After(ReplaceMs, () =>
            {
                if (Phase == SinkPhase.BackingOff)
                {
                    Open();
                }
            });
            return;
        }

        channel.TrimmedTo = partition.Manifest.Current.TrimmedTo;
        while (channel.HasRoom && Gather() is { } batch)
        {
            channel.Add(batch);
        }

        AnswerReads(channel);
    }

    public override void Close()
    {
        Phase = SinkPhase.Closed;
        if (_channel is { } channel)
        {
            CloseChannel(channel);
        }
    }

    /// <summary>A copy of an event, whose row may leave memory.</summary>
    public static FeedEvent Copy(in Row row, long offset, long before)
    {
        byte[] bytes = new byte[row.Key.Length + row.Payload.Length];
        row.Key.CopyTo(bytes);
        row.Payload.CopyTo(bytes.AsSpan(row.Key.Length));
        return new FeedEvent(offset, before, row.TypeIndex, bytes.AsMemory(0, row.Key.Length), bytes.AsMemory(row.Key.Length));
    }

    private void CloseChannel(FeedChannel channel)
    {
        _channel = null;
        channel.Close();
        _reads.ForEach(static r => r.Refuse());
        _reads.Clear();
        _feeds!.Closed(channel);
    }

    private FeedBatch? Gather()
    {
        var events = new List<FeedEvent>();
        long from = _readTo;
        while (events.Count < silo.Options.SinkBatchEvents
            && _cursor.TryPeek(partition.Log, silo, out LogBlock? block, out Row row, out _, out int length, out long offset))
        {
            bool isVoid = block.IsVoid(row.Slot);
            if (!isVoid && !silo.IsStable(block, row.Slot))
            {
                break;
            }

            _cursor.Move(length);
            if (!isVoid && row.Kind == RecordKind.Event)
            {
                events.Add(Copy(in row, offset, _readTo));
            }

            _readTo = offset;
        }

        silo.Counters.Released += events.Count;
        return _readTo > from ? new FeedBatch(_readTo, events) : null;
    }

    private void AnswerReads(FeedChannel channel)
    {
        while (channel.TryGetRead(out FeedRead? read))
        {
            _reads.Add(read!);
        }

        int budget = RowsReadPerStep;
        for (int i = 0; i < _reads.Count && budget > 0; i++)
        {
            if (_reads[i].Step(silo, partition, ref budget))
            {
                _reads.RemoveAt(i--);
            }
        }

        if (budget <= 0)
        {
            channel.Signal(); // The loop takes the next step as soon as it has taken what else there is.
        }
    }

    /// <summary>The reader has made room, or asks something: the loop wakes.</summary>
    private void Listen(FeedChannel channel) => silo.Start(new Request<bool>(
        $"listen to the reader of {Definition.Name}",
        (_, cancel) => channel.SignalledAsync(cancel),
        (_, error) =>
        {
            if (error is null && channel == _channel)
            {
                Listen(channel);
            }
        }));
}

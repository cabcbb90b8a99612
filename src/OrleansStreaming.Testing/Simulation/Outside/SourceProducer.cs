using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>A source: positions per partition, each batch naming the one before; starts over from what the partition has.</summary>
internal sealed class SourceProducer(SimulatedWorld world, InputStream input, string id) : SimulatedProducer(world, input, id)
{
    private const int MostAhead = 12;
    private readonly List<Feed> _feeds = [];
    private bool _closing;

    public override bool IsDone => _feeds.TrueForAll(f => f.Durable == f.Rows.Count);

    public override void Act(bool mayStartNew)
    {
        _closing = !mayStartNew;
        if (mayStartNew)
        {
            Read(World.Random.Between(1, 3));
        }

        if (_feeds.Count == 0)
        {
            return;
        }

        Feed feed = World.Random.PickFrom(_feeds);
        if (feed.Outstanding.Count >= 2 || (feed.Broken && feed.Outstanding.Count > 0))
        {
            return;
        }

        if (feed.Broken)
        {
            feed.Broken = false;
            feed.Next = feed.Durable;
        }

        if (feed.Next == feed.Rows.Count && _closing && feed.Durable < feed.Rows.Count && feed.Outstanding.Count == 0)
        {
            // The partition said that it has the rest; ask whether that is still so.
            feed.Next = feed.Durable;
        }

        if (feed.Next < feed.Rows.Count)
        {
            SendNext(feed);
        }
    }

    public override void Answered(PendingIngest pending, IngestResult result)
    {
        Feed feed = Of(pending.Partition);
        feed.Outstanding.Remove(pending);
        switch (result.Status)
        {
            case IngestStatus.Durable:
                Acknowledge(feed, feed.Rows.FindIndex(r => r.Position == pending.Positions[^1]) + 1, pending);
                break;
            case IngestStatus.OutOfOrder:
                StartOver(feed, result.Position, pending);
                break;
            default:
                feed.Broken = true;
                break;
        }
    }

    public override void Broken(PendingIngest pending)
    {
        Feed feed = Of(pending.Partition);
        feed.Outstanding.Remove(pending);
        feed.Broken = true;
    }

    /// <summary>Takes more events from wherever they come from.</summary>
    private void Read(int count)
    {
        for (int i = 0; i < count; i++)
        {
            InputEvent @event = NewEvent();
            Feed feed = Of(PartitionOf(@event));
            if (feed.Rows.Count - feed.Durable < MostAhead)
            {
                feed.Position += World.Random.Between(1, 5);
                feed.Rows.Add((feed.Position, @event));
            }
        }
    }

    private void SendNext(Feed feed)
    {
        int count = Math.Min(World.Random.Between(1, 3), feed.Rows.Count - feed.Next);
        List<(long Position, InputEvent Event)> rows = feed.Rows.GetRange(feed.Next, count);
        long previous = feed.Next == 0 ? -1 : feed.Rows[feed.Next - 1].Position;
        feed.Next += count;
        var pending = new PendingIngest
        {
            Producer = this,
            Partition = feed.Partition,
            Events = [.. rows.Select(r => r.Event)],
            Positions = [.. rows.Select(r => r.Position)],
            Identities = [.. rows.Select(r => Identity(feed.Partition, r.Position, 0))],
        };
        feed.Outstanding.Add(pending);
        Send(pending, named: true, previous);
    }

    /// <summary>The partition says what it has, if not durably: go on behind it once all is answered.</summary>
    private void StartOver(Feed feed, long position, PendingIngest pending)
    {
        feed.Broken = true;
        int at = feed.Rows.FindIndex(r => r.Position == position) + 1;
        if (position >= 0 && at == 0)
        {
            World.Oracle.Names.SentBack(Id, $"is told to start after {position}, which it never sent");
        }

        if (feed.Outstanding.Count > 0)
        {
            return;
        }

        feed.Broken = false;
        if (at < feed.Durable)
        {
            // An owner that has been replaced and does not know it may say so; it confirms nothing any more.
            if (!World.HasZombies)
            {
                World.Oracle.Names.SentBack(Id, $"is told to start after {position}, but more was acknowledged");
            }

            at = feed.Durable;
        }

        feed.Next = at;
        if (_closing && at == feed.Rows.Count)
        {
            Acknowledge(feed, at, pending); // Nothing fails any more: what is there stays.
        }
    }

    /// <summary>What lies before something durable is durable.</summary>
    private void Acknowledge(Feed feed, int count, PendingIngest pending)
    {
        if (count > feed.Durable)
        {
            World.Oracle.Names.Acknowledged(feed.Rows.GetRange(feed.Durable, count - feed.Durable).Select(r => Identity(feed.Partition, r.Position, 0)), pending);
            feed.Durable = count;
        }
    }

    private Feed Of(int partition)
    {
        Feed? feed = _feeds.Find(f => f.Partition == partition);
        if (feed is null)
        {
            _feeds.Add(feed = new Feed { Partition = partition });
        }

        return feed;
    }

    private sealed class Feed
    {
        public required int Partition { get; init; }

        public long Position { get; set; } = 10;

        public List<(long Position, InputEvent Event)> Rows { get; } = [];

        public int Next { get; set; }

        public int Durable { get; set; }

        public bool Broken { get; set; }

        public List<PendingIngest> Outstanding { get; } = [];
    }
}

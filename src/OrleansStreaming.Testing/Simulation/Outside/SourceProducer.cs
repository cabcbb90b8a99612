using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>A source: positions per partition, each batch naming the one before; starts over from what the partition has.</summary>
internal sealed class SourceProducer(SimulatedWorld world, StreamDefinition stream, string id) : SimulatedProducer(world, stream, id)
{
    private readonly List<Feed> _feeds =
        [.. world.KeyedPartitions(stream).Select(i => new Feed { Partition = PartitionId.Of(stream, i), Index = i })];

    private bool _closing;

    public override bool IsDone => _feeds.All(f => f.Durable == f.Rows.Count);

    public override void Act(bool mayStartNew)
    {
        _closing = !mayStartNew;
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

        int count = World.Random.Between(1, 3);
        if (feed.Next == feed.Rows.Count)
        {
            if (!mayStartNew && feed.Durable < feed.Rows.Count && feed.Outstanding.Count == 0)
            {
                // The partition said that it has the rest; ask whether that is still so.
                feed.Next = feed.Durable;
            }
            else if (!mayStartNew)
            {
                return;
            }
        }

        if (feed.Next == feed.Rows.Count)
        {
            foreach (SimulatedEvent row in NewEvents(feed.Partition, count))
            {
                feed.Position += World.Random.Between(1, 5);
                feed.Rows.Add((feed.Position, row));
            }
        }

        count = Math.Min(count, feed.Rows.Count - feed.Next);
        List<(long Position, SimulatedEvent Event)> rows = feed.Rows.GetRange(feed.Next, count);
        long previous = feed.Next == 0 ? -1 : feed.Rows[feed.Next - 1].Position;
        feed.Next += count;
        var pending = new PendingIngest
        {
            Producer = this,
            Partition = feed.Partition,
            Events = [.. rows.Select(r => r.Event)],
            Positions = [.. rows.Select(r => r.Position)],
        };
        feed.Outstanding.Add(pending);
        Send(pending, 0, previous, named: true);
    }

    public override void Answered(PendingIngest pending, IngestResult result)
    {
        Feed feed = _feeds.Find(f => f.Partition == pending.Partition)!;
        feed.Outstanding.Remove(pending);
        switch (result.Status)
        {
            case IngestStatus.Durable:
                Acknowledge(feed, feed.Rows.FindIndex(r => r.Position == pending.Positions[^1]) + 1);
                break;
            case IngestStatus.OutOfOrder:
                // What the partition has, if not durably: go on behind it once all is answered.
                feed.Broken = true;
                int at = feed.Rows.FindIndex(r => r.Position == result.Position) + 1;
                if (result.Position >= 0 && at == 0)
                {
                    World.Fail("I3", $"source {Id} is told to start after {result.Position}, which it never sent");
                }

                if (feed.Outstanding.Count == 0)
                {
                    feed.Broken = false;
                    if (at < feed.Durable)
                    {
                        // An owner that has been replaced and does not know it may say so; it confirms nothing any more.
                        if (!World.HasZombies)
                        {
                            World.Fail("I3", $"source {Id} is told to start after {result.Position}, but more was acknowledged");
                        }

                        at = feed.Durable;
                    }

                    feed.Next = at;

                    if (_closing && at == feed.Rows.Count)
                    {
                        Acknowledge(feed, at); // Nothing fails any more: what is there stays.
                    }
                }

                break;
            default:
                feed.Broken = true;
                break;
        }
    }

    public override void Broken(PendingIngest pending)
    {
        Feed feed = _feeds.Find(f => f.Partition == pending.Partition)!;
        feed.Outstanding.Remove(pending);
        feed.Broken = true;
    }

    /// <summary>What lies before something durable is durable.</summary>
    private void Acknowledge(Feed feed, int count)
    {
        if (count > feed.Durable)
        {
            World.Oracle.Acknowledged(new PendingIngest
            {
                Producer = this,
                Partition = feed.Partition,
                Events = [.. feed.Rows.GetRange(feed.Durable, count - feed.Durable).Select(r => r.Event)],
            });
            feed.Durable = count;
        }
    }

    private sealed class Feed
    {
        public int Partition { get; init; }

        public int Index { get; init; }

        public long Position { get; set; } = 10;

        public List<(long Position, SimulatedEvent Event)> Rows { get; } = [];

        public int Next { get; set; }

        public int Durable { get; set; }

        public bool Broken { get; set; }

        public List<PendingIngest> Outstanding { get; } = [];
    }
}

using System.Text;
using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>A batch on its way into a silo.</summary>
internal sealed class PendingIngest
{
    public required SimulatedProducer Producer { get; init; }

    public required List<SimulatedEvent> Events { get; init; }

    public required int Partition { get; init; }

    /// <summary>Of a source: the positions of the events.</summary>
    public List<long> Positions { get; init; } = [];

    public bool Answered { get; set; }
}

/// <summary>Somebody outside who sends events.</summary>
internal abstract class SimulatedProducer(SimulatedWorld world, StreamDefinition stream, string id)
{
    public string Id { get; } = id;

    /// <summary>Everything that it has begun to send is known to be in, or known not to be.</summary>
    public abstract bool IsDone { get; }

    /// <summary>Sends something, or tries again; new events only while there are to be some.</summary>
    public abstract void Act(bool mayStartNew);

    /// <summary>A batch was answered.</summary>
    public abstract void Answered(PendingIngest pending, IngestResult result);

    /// <summary>The connection broke: nobody knows.</summary>
    public abstract void Broken(PendingIngest pending);

    protected SimulatedWorld World { get; } = world;

    protected StreamDefinition Stream { get; } = stream;

    protected List<SimulatedEvent> NewEvents(int partition, int count)
    {
        var events = new List<SimulatedEvent>();
        for (int i = 0; i < count; i++)
        {
            events.Add(new SimulatedEvent { Key = World.KeyIn(Stream, partition), Id = World.NewEventId(), Ttl = 2 });
        }

        return events;
    }

    protected int AnyPartition() => World.PickPartition(Stream);

    protected void Send(PendingIngest pending, long sequence, long? previous, bool named)
    {
        byte[] producer = named ? Encoding.UTF8.GetBytes(Id) : [];
        byte[] rows = new byte[pending.Events.Count * 200];
        long baseTime = World.Random.Chance(500) ? World.WallMicros : 0;
        int at = 0;
        Span<byte> key = stackalloc byte[8];
        for (int i = 0; i < pending.Events.Count; i++)
        {
            KeyCodec.Write(pending.Events[i].Key, key);
            var row = new Row
            {
                Key = key,
                Time = baseTime,
                Payload = World.Encode(pending.Events[i]),
                Producer = previous is null ? ProducerKind.None : ProducerKind.External,
                Name = previous is null ? default : new RecordName(pending.Positions[i], 0),
            };
            at += row.Write(rows.AsSpan(at), baseTime);
        }

        var batch = new IngestBatch
        {
            Partition = pending.Partition,
            Rows = rows,
            Length = at,
            Count = pending.Events.Count,
            BaseTime = baseTime,
            Producer = producer,
            Sequence = sequence,
            Previous = previous,
            Done = result => World.IngestDone(pending, result),
        };
        World.Ingest(pending, batch);
    }
}

/// <summary>A client with an id: one request outstanding, and the same request again until it is durable.</summary>
internal sealed class ClientProducer(SimulatedWorld world, StreamDefinition stream, string id) : SimulatedProducer(world, stream, id)
{
    private long _sequence;
    private PendingIngest? _request;
    private PendingIngest? _outstanding;

    public override bool IsDone => _request is null;

    public override void Act(bool mayStartNew)
    {
        if (_outstanding is not null)
        {
            // Gives up waiting now and then: the first try may still be on its way.
            if (!World.Random.Chance(50))
            {
                return;
            }

            _outstanding = null;
        }

        if (_request is null)
        {
            if (!mayStartNew)
            {
                return;
            }

            int partition = AnyPartition();
            _sequence += World.Random.Between(1, 3);
            _request = new PendingIngest { Producer = this, Partition = partition, Events = NewEvents(partition, World.Random.Between(1, 3)) };
        }

        _outstanding = new PendingIngest { Producer = this, Partition = _request.Partition, Events = _request.Events };
        Send(_outstanding, _sequence, null, named: true);
    }

    public override void Answered(PendingIngest pending, IngestResult result)
    {
        if (_request is null || pending.Events != _request.Events)
        {
            return;
        }

        if (ReferenceEquals(pending, _outstanding))
        {
            _outstanding = null;
        }

        if (result.Status == IngestStatus.Durable)
        {
            World.Oracle.Acknowledged(pending);
            _request = null;
            _outstanding = null;
        }
        else if (result.Status is IngestStatus.OutOfOrder or IngestStatus.TooManyProducers)
        {
            World.Fail("I8", $"client {Id} was answered {result}");
        }
    }

    public override void Broken(PendingIngest pending)
    {
        if (ReferenceEquals(pending, _outstanding))
        {
            _outstanding = null;
        }
    }
}

/// <summary>A client without an id: it only sends again what is known to be lost.</summary>
internal sealed class AnonymousProducer(SimulatedWorld world, StreamDefinition stream, string id) : SimulatedProducer(world, stream, id)
{
    private PendingIngest? _outstanding;
    private PendingIngest? _again;
    private (int Journal, long Lsn) _unknown = (-1, 0);

    public override bool IsDone => _outstanding is null && _again is null;

    public override void Act(bool mayStartNew)
    {
        if (_outstanding is not null)
        {
            return;
        }

        if (_again is { } again)
        {
            if (_unknown.Journal >= 0)
            {
                if (World.SealedEnd(_unknown.Journal) is not { } end)
                {
                    return;
                }

                long lsn = _unknown.Lsn;
                _unknown = (-1, 0);
                if (lsn <= end)
                {
                    World.Oracle.Acknowledged(again);
                    _again = null;
                    return;
                }
            }

            _again = null;
            _outstanding = new PendingIngest { Producer = this, Partition = again.Partition, Events = again.Events };
        }
        else if (mayStartNew)
        {
            int partition = AnyPartition();
            _outstanding = new PendingIngest { Producer = this, Partition = partition, Events = NewEvents(partition, World.Random.Between(1, 3)) };
        }
        else
        {
            return;
        }

        Send(_outstanding, 0, null, named: false);
    }

    public override void Answered(PendingIngest pending, IngestResult result)
    {
        _outstanding = null;
        switch (result.Status)
        {
            case IngestStatus.Durable:
                World.Oracle.Acknowledged(pending);
                break;
            case IngestStatus.Unknown:
                _again = pending;
                _unknown = (result.Journal, result.Lsn);
                break;
            default:
                _again = pending;
                break;
        }
    }

    public override void Broken(PendingIngest pending) => _outstanding = null;
}

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

using System.Text;
using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Testing.Simulation;

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

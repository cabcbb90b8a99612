using System.Text;
using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>Somebody outside who sends events.</summary>
internal abstract class SimulatedProducer(SimulatedWorld world, InputStream input, string id)
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

    protected InputEvent NewEvent() => input.Next(World.Random, World.NewEventId());

    protected int PartitionOf(InputEvent @event) => PartitionId.Of(input.Stream, KeyHash.PartitionOf(KeyHash.Compute(@event.Key), input.Stream.PartitionCount));

    /// <summary>Some new events, all for one partition.</summary>
    protected List<InputEvent> NewEvents(out int partition)
    {
        InputEvent first = NewEvent();
        partition = PartitionOf(first);
        List<InputEvent> events = [first];
        for (int more = World.Random.Below(5); more > 0; more--)
        {
            InputEvent another = NewEvent();
            if (PartitionOf(another) == partition)
            {
                events.Add(another);
            }
        }

        return events;
    }

    /// <summary>What a named event is known by.</summary>
    protected ulong Identity(int partition, long sequence, int ordinal) => Oracle.Identity(partition, World.Oracle.Keys.Of(Encoding.UTF8.GetBytes(Id)), new RecordName(sequence, ordinal));

    protected void Send(PendingIngest pending, bool named, long? previous = null)
    {
        byte[] rows = new byte[pending.Events.Sum(e => e.Key.Length + e.Payload.Length + Id.Length + 64)];
        byte[] producer = named ? Encoding.UTF8.GetBytes(Id) : [];
        int at = 0;
        for (int i = 0; i < pending.Events.Count; i++)
        {
            var row = new Row
            {
                Key = pending.Events[i].Key,
                TypeIndex = pending.Events[i].Type,
                Payload = pending.Events[i].Payload,
                Producer = named ? ProducerKind.External : ProducerKind.None,
                ProducerKey = producer,
                Name = !named ? default : previous is null ? new RecordName(pending.Sequence, i) : new RecordName(pending.Positions[i], 0),
            };
            at += row.Write(rows.AsSpan(at), 0);
        }

        World.Ingest(pending, new IngestBatch
        {
            Partition = pending.Partition,
            Rows = rows.AsMemory(0, at),
            Count = pending.Events.Count,
            Producer = producer,
            Sequence = pending.Sequence,
            Previous = previous,
            Last = pending.Positions.Count > 0 ? pending.Positions[^1] : 0,
            Done = result => World.IngestDone(pending, result),
        });
    }
}

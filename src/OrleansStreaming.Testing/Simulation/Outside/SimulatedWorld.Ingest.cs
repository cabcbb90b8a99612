using System.Buffers;
using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Testing.Simulation;

/// <content>Events come in.</content>
internal sealed partial class SimulatedWorld
{
    public ulong NewEventId()
    {
        _newEvents++;
        return SimulationRandom.Mix(Seed, _nextEvent++);
    }

    public byte[] Encode(SimulatedEvent @event)
    {
        var buffer = new ArrayBufferWriter<byte>(32);
        Scenario.Topology.Serializers.Get<SimulatedEvent>().Write(in @event, buffer);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>The partitions of a stream that some key of the schedule lies in.</summary>
    public List<int> KeyedPartitions(StreamDefinition stream) =>
        [.. Enumerable.Range(0, Scenario.Keys).Select(k => PartitionOf(stream, k)).Distinct().Order()];

    public int PickPartition(StreamDefinition stream) => PartitionId.Of(stream, PartitionOf(stream, Random.Below(Scenario.Keys)));

    public long KeyIn(StreamDefinition stream, int partition)
    {
        while (true)
        {
            long key = Random.Below(Scenario.Keys);
            if (PartitionId.Of(stream, PartitionOf(stream, key)) == partition)
            {
                return key;
            }
        }
    }

    public static int PartitionOf(StreamDefinition stream, long key)
    {
        Span<byte> bytes = stackalloc byte[8];
        KeyCodec.Write(key, bytes);
        return KeyHash.PartitionOf(KeyHash.Compute(bytes), stream.PartitionCount);
    }

    public void Ingest(PendingIngest pending, IngestBatch batch)
    {
        Oracle.Sent(pending);
        SimulatedSilo[] running = [.. _silos.Where(s => s.Runs && (Faulty || !s.DeclaredDead))];
        if (running.Length == 0)
        {
            IngestDone(pending, new IngestResult(IngestStatus.NotHere));
            return;
        }

        SimulatedSilo? owner = Random.Chance(850) ? Random.PickFrom(running.Where(s => s.Silo.Ownerships.Find(batch.Partition) is not null).DefaultIfEmpty(running[0]).ToArray()) : null;
        SimulatedSilo silo = owner ?? Random.PickFrom(running);
        silo.Ingests.Add(pending);
        Trace($"{silo.Label} <- {pending.Producer.Id} {pending.Events.Count} events for {PartitionName(batch.Partition)} seq {batch.Sequence} previous {batch.Previous}");
        Guard(silo, () => silo.Silo.Ingest(batch));
    }

    public void IngestDone(PendingIngest pending, IngestResult result)
    {
        if (pending.Answered)
        {
            Fail("I3", $"a batch of {pending.Producer.Id} was answered twice, now {result}");
            return;
        }

        pending.Answered = true;
        foreach (SimulatedSilo silo in _silos)
        {
            silo.Ingests.Remove(pending);
        }

        Trace($"         {pending.Producer.Id} is answered {result}");
        Note((ulong)result.Status + 11);
        if (result.Status == IngestStatus.Durable)
        {
            Totals.Ingested += result.Appended;
            Oracle.CheckDurable(pending);
        }

        pending.Producer.Answered(pending, result);
    }
}

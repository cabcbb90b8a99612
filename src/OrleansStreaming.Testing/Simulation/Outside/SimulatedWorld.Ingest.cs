using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <content>Events come in.</content>
internal sealed partial class SimulatedWorld
{
    /// <summary>Events that producers have made.</summary>
    public ulong NewEvents { get; private set; }

    public ulong NewEventId() => SimulationRandom.Mix(Seed, ++NewEvents);

    /// <summary>Hands a batch to a silo, mostly to one that owns the partition.</summary>
    public void Ingest(PendingIngest pending, IngestBatch batch)
    {
        Oracle.Names.Sent(pending);
        SimulatedSilo? silo = Random.Chance(850) ? PickRunning(s => (Faulty || !s.DeclaredDead) && s.Silo.Ownerships.Find(batch.Partition) is not null) : null;
        silo ??= PickRunning(s => Faulty || !s.DeclaredDead);
        if (silo is null)
        {
            IngestDone(pending, new IngestResult(IngestStatus.NotHere));
            return;
        }

        silo.Ingests.Add(pending);
        Trace($"{silo.Label} <- {pending.Producer.Id} {pending.Events.Count} events for {PartitionName(batch.Partition)} seq {batch.Sequence} previous {batch.Previous}");
        Guard(silo, static (silo, batch) => silo.Silo.Ingest(batch), batch);
    }

    public void IngestDone(PendingIngest pending, IngestResult result)
    {
        if (pending.Answered)
        {
            Oracle.Names.AnsweredTwice(pending, result);
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
            Oracle.Names.ToldDurable(pending);
        }

        pending.Producer.Answered(pending, result);
    }
}

namespace OrleansStreaming.Core;

/// <summary>
/// When batches of sources come into a partition: once it has processed what it can. What a source brings faster than that would
/// wait in the log instead, leave the processor's caches and then memory, and be durable long before its turn, so that
/// every answer would tell the source to bring more. Clients that publish are not held up: they wait to hear that their
/// events are stored, not for their turns.
/// </summary>
internal sealed partial class Partition
{
    private readonly Queue<IngestBatch> _offered = new();

    /// <summary>Nothing is accepted any more; sources ask elsewhere.</summary>
    public bool Closed
    {
        get;
        set
        {
            field = value;
            while (value && !Mutations.LeaveOffered && _offered.TryDequeue(out IngestBatch? batch))
            {
                batch.Done(new IngestResult(IngestStatus.NotHere));
            }
        }
    }

    /// <summary>A batch of a source waits, and could be taken.</summary>
    public bool CanAdmit => _offered.Count > 0 && !Closed && !TurnsStopped
        && BacklogBytes <= _silo.Options.SourceBacklogBytes && _silo.Journal.UnflushedBytes <= _silo.Options.MaxUnflushedBytes;

    /// <summary>Takes a batch of a source as soon as there is time for it; the batches of one source in their order.</summary>
    public void Offer(IngestBatch batch) => _offered.Enqueue(batch);

    /// <summary>Takes the next batch of a source that has events, if now is the time; returns how many.</summary>
    public int Admit()
    {
        while (CanAdmit)
        {
            IngestBatch batch = _offered.Dequeue();
            int count = batch.Count; // Once answered, it may be another batch.
            Ingest(batch);
            if (count > 0)
            {
                return count;
            }
        }

        return 0;
    }
}

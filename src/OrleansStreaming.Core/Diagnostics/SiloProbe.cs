using OrleansStreaming.Topologies;

namespace OrleansStreaming.Core;

/// <summary>Sees what the protocol does, for oracles. Null in production.</summary>
internal abstract class SiloProbe
{
    // ---------- records

    public virtual void Appended(Partition partition, LogBlock block, long offset, in Row row, CausalityVector? vector)
    {
    }

    /// <summary>The next record appended is one that a grain writes for itself.</summary>
    public virtual void WritingSelf(Partition partition, int operatorId, Grain grain)
    {
    }

    /// <summary>An output waits in a block of the outbox, as its last row.</summary>
    public virtual void Sending(LogBlock waiting, in Row row)
    {
    }

    /// <summary>A block of the outbox goes out as a message.</summary>
    public virtual void Transmitting(DataMessage message, LogBlock waiting)
    {
    }

    /// <summary>A row of a message is taken, dropped, or found to be a repeat.</summary>
    public virtual void Receiving(DataMessage message, int index)
    {
    }

    /// <summary>A row of the outbox is delivered to this very silo.</summary>
    public virtual void TakingBack(LogBlock waiting, int index)
    {
    }

    /// <summary>An orphan is dropped on arrival.</summary>
    public virtual void Dropped(int fromJournal, in Row row)
    {
    }

    /// <summary>Void rows of a block of a log or of a waiting send have been told from the others.</summary>
    public virtual void Refreshed(LogBlock block)
    {
    }

    // ---------- grains

    public virtual void Consumed(OperatorHost host, Grain grain, long offset, bool flagged)
    {
    }

    public virtual void LeftOut(OperatorHost host, Grain grain, long offset, bool flagged)
    {
    }

    /// <summary>A record was passed that changes nothing but what the grain depends on.</summary>
    public virtual void Passed(OperatorHost host, Grain grain, long offset)
    {
    }

    /// <summary>A grain is about to go back; <see cref="Restored"/> follows, perhaps later.</summary>
    public virtual void GoingBack(OperatorHost host, Grain grain)
    {
    }

    /// <summary>A grain's state is that of a position: it went back, or came from its checkpoint.</summary>
    public virtual void Restored(OperatorHost host, Grain grain, long position)
    {
    }

    /// <summary>A grain is about to go back because of a lost record.</summary>
    public virtual void RolledBack(OperatorHost host, Grain grain, Dependency lost)
    {
    }

    // ---------- checkpoints, sinks, ownership

    public virtual void Captured(OperatorHost host, Grain grain)
    {
    }

    /// <summary>The manifest that commits a copy is about to be written.</summary>
    public virtual void Committing(OperatorHost host, Grain grain, long position)
    {
    }

    public virtual void Committed(OperatorHost host, Grain grain, long position)
    {
    }

    public virtual void Releasing(SinkDefinition sink, Partition partition, LogBlock block, in Row row, long offset)
    {
    }

    public virtual void SealApplied(Seal seal, int version)
    {
    }

    public virtual void Claimed(int partition, int epoch)
    {
    }
}

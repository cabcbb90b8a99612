using OrleansStreaming.Topologies;

namespace OrleansStreaming.Core;

/// <summary>Sees what the protocol does, for oracles. Null in production.</summary>
internal abstract class SiloProbe
{
    public virtual void Appended(Partition partition, LogBlock block, in Row row, CausalityVector? vector)
    {
    }

    public virtual void Consumed(int partition, int operatorId, byte[] key, long offset, bool flagged)
    {
    }

    public virtual void LeftOut(int partition, int operatorId, byte[] key, long offset, bool flagged)
    {
    }

    /// <summary>A grain's state is that of a position: it went back, or came from its checkpoint.</summary>
    public virtual void Restored(int partition, int operatorId, byte[] key, long position)
    {
    }

    public virtual void RolledBack(int partition, int operatorId, byte[] key, Dependency lost)
    {
    }

    public virtual void Committed(int partition, int operatorId, byte[] key, long position)
    {
    }

    /// <summary>Void rows of a block of a log or of a waiting send have been told from the others.</summary>
    public virtual void Refreshed(LogBlock block)
    {
    }

    public virtual void Dropped(int fromJournal, in Row row)
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

using OrleansStreaming.Topologies;

namespace OrleansStreaming.Core;

/// <summary>
/// Reads the stable events of one partition for somebody outside of the topology, and knows how far that has got. Its
/// position is stored in the manifest, keeps what is above it from being trimmed, and only moves forward.
/// </summary>
internal abstract class StableReader(SinkDefinition definition, long manifestPosition)
{
    public SinkDefinition Definition { get; } = definition;

    public int Id => Definition.Id;

    public SinkPhase Phase { get; protected set; }

    /// <summary>Everything at or below has been released, or is void.</summary>
    public long Position { get; protected set; } = manifestPosition;

    /// <summary>What the sink has told to have stored; none while it has told nothing.</summary>
    public long Confirmed { get; protected set; } = Offset.None.Value;

    /// <summary>Failures in a row.</summary>
    public int Attempts { get; protected set; }

    public Exception? LastError { get; protected set; }

    public abstract bool IsParked { get; }

    public abstract bool HasWork { get; }

    public static StableReader Create(Silo silo, Partition partition, SinkDefinition definition, long manifestPosition) =>
        definition.IsFeed ? new FeedRunner(silo, partition, definition, manifestPosition) : SinkRunner.Create(silo, partition, definition, manifestPosition);

    public abstract void Open();

    /// <summary>Goes on as far as it can.</summary>
    public abstract void Step();

    public abstract void Close();
}

using OrleansStreaming.Core;

namespace OrleansStreaming.Benchmarks;

/// <summary>Counts the records of one stream, in one silo, that came with dependencies on journals of other silos.</summary>
internal sealed class ForeignVectors(string stream) : SiloProbe
{
    public long All { get; private set; }

    public long Foreign { get; private set; }

    public override void Appended(Partition partition, LogBlock block, long offset, in Row row, CausalityVector? vector)
    {
        if (partition.Stream.Name == stream)
        {
            All++;
            Foreign += vector is null ? 0 : 1;
        }
    }
}

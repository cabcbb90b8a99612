namespace OrleansStreaming.Core;

/// <summary>Numbers partitions over all streams; stays the same when streams are added.</summary>
internal static class PartitionId
{
    private const int Bits = 10;

    public static int Of(StreamDefinition stream, int index) => (stream.Id << Bits) | index;

    public static int StreamId(int partition) => partition >> Bits;

    public static int Index(int partition) => partition & ((1 << Bits) - 1);
}

using System.Numerics;

namespace OrleansStreaming.Core;

/// <summary>
/// Buffers for rows. A silo takes and returns thousands of them a second on its own thread, far more at once than the shared
/// pool keeps, so each thread has some for itself: no lock, and nothing for the collector to find. What is not returned is
/// collected like anything else.
/// </summary>
internal static class BufferPool
{
    private const int SmallestBits = 8;
    private const int LargestBits = 23;

    /// <summary>What is needed changes with the load: a buffer four times as large, which is there, is better than a new one.</summary>
    private const int MostBitsAbove = 2;

    /// <summary>What the memory of a silo's logs takes by default when its blocks are two thirds full.</summary>
    private const long MaxBytesKept = 384 << 20;

    [ThreadStatic]
    private static Shelf? _shelf;

    /// <summary>A buffer of at least some bytes, with anything in it.</summary>
    public static byte[] Rent(int bytes)
    {
        int bits = BitsFor(bytes);
        if (bits > LargestBits)
        {
            return GC.AllocateUninitializedArray<byte>(bytes);
        }

        Shelf shelf = _shelf ??= new Shelf();
        for (int from = bits; from <= Math.Min(bits + MostBitsAbove, LargestBits); from++)
        {
            if (shelf.Stacks[from - SmallestBits].TryPop(out byte[]? buffer))
            {
                shelf.Bytes -= buffer.Length;
                return buffer;
            }
        }

        // They live until they are trimmed: where the collector never copies them.
        return GC.AllocateUninitializedArray<byte>(1 << bits, pinned: true);
    }

    /// <summary>Takes a buffer back that nobody reads any more.</summary>
    public static void Return(byte[] buffer)
    {
        Shelf shelf = _shelf ??= new Shelf();
        int bits = BitsFor(buffer.Length);
        if (buffer.Length == 1 << bits && bits <= LargestBits && shelf.Bytes + buffer.Length <= MaxBytesKept)
        {
            shelf.Bytes += buffer.Length;
            shelf.Stacks[bits - SmallestBits].Push(buffer);
        }
    }

    private static int BitsFor(int bytes) => Math.Max(SmallestBits, 32 - BitOperations.LeadingZeroCount((uint)Math.Max(bytes, 1) - 1));

    private sealed class Shelf
    {
        public long Bytes;

        public Stack<byte[]>[] Stacks { get; } = [.. Enumerable.Range(SmallestBits, LargestBits - SmallestBits + 1).Select(_ => new Stack<byte[]>())];
    }
}

using System.Runtime.InteropServices;

namespace OrleansStreaming.Core;

/// <summary>
/// Says that a block has no checkpoint of a grain, or that it may have one: a Bloom filter whose bits of one key lie in one
/// cache line (Putze, Sanders and Singler, 2009). About 1 in 100 grains that are not there seem to be.
/// </summary>
internal static class RunFilter
{
    public const int LineBytes = 64;
    private const int BitsPerKey = 10;
    private const int BitsSet = 6;

    /// <summary>The lines of a block's filter.</summary>
    public static int Lines(int keys) => Math.Max(1, (int)((((long)keys * BitsPerKey) + (LineBytes * 8) - 1) / (LineBytes * 8)));

    /// <summary>Adds the hash of a key to the lines of its block.</summary>
    public static void Add(Span<byte> lines, ulong hash)
    {
        Span<ulong> line = LineOf(lines, ref hash);
        for (int i = 0; i < BitsSet; i++, hash >>= 9)
        {
            line[(int)(hash >> 6) & 7] |= 1UL << (int)(hash & 63);
        }
    }

    /// <summary>Whether a key of this hash may have been added.</summary>
    public static bool MayContain(ReadOnlySpan<byte> lines, ulong hash)
    {
        ReadOnlySpan<ulong> line = LineOf(MemoryMarshal.CreateSpan(ref MemoryMarshal.GetReference(lines), lines.Length), ref hash);
        for (int i = 0; i < BitsSet; i++, hash >>= 9)
        {
            if ((line[(int)(hash >> 6) & 7] & (1UL << (int)(hash & 63))) == 0)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The line of a hash; makes of the hash the bits to be set there.</summary>
    private static Span<ulong> LineOf(Span<byte> lines, ref ulong hash)
    {
        // The keys of a block are neighbours in the order of their hashes, so the upper bits say nothing: mix once more.
        ulong mixed = hash * 0xD6E8FEB86659FD93;
        mixed = (mixed ^ (mixed >> 32)) * 0xD6E8FEB86659FD93;
        int line = (int)(((mixed >> 32) * (uint)(lines.Length / LineBytes)) >> 32);
        hash = (mixed ^ (mixed >> 32)) * 0x9E3779B97F4A7C15 >> 10;
        return MemoryMarshal.Cast<byte, ulong>(lines.Slice(line * LineBytes, LineBytes));
    }
}

using System.Buffers.Binary;
using System.Numerics;

namespace OrleansStreaming.Topologies;

/// <summary>
/// The pinned hash of a key: XXH64 with seed 0. It decides which partition a key lives in, so it is stored with the
/// deployment by name and never changes.
/// </summary>
internal static class KeyHash
{
    /// <summary>Stored with the deployment; another algorithm would need another name.</summary>
    public const string Name = "xxh64-1";

    private const ulong Prime1 = 0x9E3779B185EBCA87;
    private const ulong Prime2 = 0xC2B2AE3D27D4EB4F;
    private const ulong Prime3 = 0x165667B19E3779F9;
    private const ulong Prime4 = 0x85EBCA77C2B2AE63;
    private const ulong Prime5 = 0x27D4EB2F165667C5;

    public static ulong Compute(ReadOnlySpan<byte> key)
    {
        if (key.Length == sizeof(ulong))
        {
            return Compute(BinaryPrimitives.ReadUInt64LittleEndian(key));
        }

        ulong hash = key.Length >= 32 ? Stripes(ref key, (ulong)key.Length) : Prime5 + (ulong)key.Length;
        while (key.Length >= 8)
        {
            hash = Mix8(hash, BinaryPrimitives.ReadUInt64LittleEndian(key));
            key = key[8..];
        }

        if (key.Length >= 4)
        {
            hash = (BitOperations.RotateLeft(hash ^ (BinaryPrimitives.ReadUInt32LittleEndian(key) * Prime1), 23) * Prime2) + Prime3;
            key = key[4..];
        }

        foreach (byte b in key)
        {
            hash = BitOperations.RotateLeft(hash ^ (b * Prime5), 11) * Prime1;
        }

        return Avalanche(hash);
    }

    /// <summary>The hash of the eight little-endian bytes of a number: what a <see cref="long"/> key needs, without a loop.</summary>
    public static ulong Compute(ulong key) => Avalanche(Mix8(Prime5 + sizeof(ulong), key));

    /// <summary>The partition of a hash: its top 32 bits, scaled to the number of partitions. As pinned as the hash itself.</summary>
    public static int PartitionOf(ulong hash, int count) => (int)(((hash >> 32) * (uint)count) >> 32);

    private static ulong Stripes(ref ReadOnlySpan<byte> key, ulong length)
    {
        ulong a = unchecked(Prime1 + Prime2);
        ulong b = Prime2;
        ulong c = 0;
        ulong d = unchecked(0 - Prime1);
        while (key.Length >= 32)
        {
            a = Round(a, BinaryPrimitives.ReadUInt64LittleEndian(key));
            b = Round(b, BinaryPrimitives.ReadUInt64LittleEndian(key[8..]));
            c = Round(c, BinaryPrimitives.ReadUInt64LittleEndian(key[16..]));
            d = Round(d, BinaryPrimitives.ReadUInt64LittleEndian(key[24..]));
            key = key[32..];
        }

        ulong hash = BitOperations.RotateLeft(a, 1) + BitOperations.RotateLeft(b, 7)
            + BitOperations.RotateLeft(c, 12) + BitOperations.RotateLeft(d, 18);
        hash = Merge(Merge(Merge(Merge(hash, a), b), c), d);
        return hash + length;
    }

    private static ulong Round(ulong sum, ulong lane) => BitOperations.RotateLeft(sum + (lane * Prime2), 31) * Prime1;

    private static ulong Merge(ulong hash, ulong sum) => ((hash ^ Round(0, sum)) * Prime1) + Prime4;

    private static ulong Mix8(ulong hash, ulong lane) => (BitOperations.RotateLeft(hash ^ Round(0, lane), 27) * Prime1) + Prime4;

    private static ulong Avalanche(ulong hash)
    {
        hash = (hash ^ (hash >> 33)) * Prime2;
        hash = (hash ^ (hash >> 29)) * Prime3;
        return hash ^ (hash >> 32);
    }
}

using System.Buffers.Binary;
using System.Numerics;

namespace OrleansStreaming.Core;

/// <summary>CRC-32C (Castagnoli), as all frames carry it.</summary>
internal static class Crc32C
{
    public static uint Compute(ReadOnlySpan<byte> bytes) => ~Append(uint.MaxValue, bytes);

    /// <summary>Goes on with an unfinished sum: start with <see cref="uint.MaxValue"/>, invert at the end.</summary>
    public static uint Append(uint sum, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length >= 8)
        {
            sum = BitOperations.Crc32C(sum, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[8..];
        }

        foreach (byte b in bytes)
        {
            sum = BitOperations.Crc32C(sum, b);
        }

        return sum;
    }
}

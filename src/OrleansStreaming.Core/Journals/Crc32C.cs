using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace OrleansStreaming.Core;

/// <summary>CRC-32C (Castagnoli), as all frames carry it.</summary>
internal static class Crc32C
{
    /// <summary>Bytes of a lane.</summary>
    private const int Lane = 1024;

    private static readonly uint[] Passed = MakePassed();

    public static uint Compute(ReadOnlySpan<byte> bytes) => ~Append(uint.MaxValue, bytes);

    /// <summary>Goes on with an unfinished sum: start with <see cref="uint.MaxValue"/>, invert at the end.</summary>
    /// <remarks>
    /// The processor's instruction takes three cycles, and a new one can begin in each: long input is summed up as three
    /// lanes at once, whose sums are then put together (Gopal et al., Fast CRC Computation for iSCSI Polynomial, 2011).
    /// </remarks>
    public static uint Append(uint sum, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length >= 3 * Lane)
        {
            ref byte at = ref MemoryMarshal.GetReference(bytes);
            uint first = sum, second = 0, third = 0;
            for (nuint i = 0; i < Lane; i += 8)
            {
                first = BitOperations.Crc32C(first, Read(ref at, i));
                second = BitOperations.Crc32C(second, Read(ref at, i + Lane));
                third = BitOperations.Crc32C(third, Read(ref at, i + (2 * Lane)));
            }

            sum = PassLane(PassLane(first) ^ second) ^ third;
            bytes = bytes[(3 * Lane)..];
        }

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

    private static ulong Read(ref byte at, nuint offset)
    {
        ulong value = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref at, offset));
        return BitConverter.IsLittleEndian ? value : BinaryPrimitives.ReverseEndianness(value);
    }

    /// <summary>The sum that becomes of one when a lane of zeros follows: sums are linear, so a table for each of its bytes will do.</summary>
    private static uint PassLane(uint sum) =>
        Passed[(int)(sum & 0xFF)] ^ Passed[256 + (int)((sum >> 8) & 0xFF)] ^ Passed[512 + (int)((sum >> 16) & 0xFF)] ^ Passed[768 + (int)(sum >> 24)];

    private static uint[] MakePassed()
    {
        var passed = new uint[4 * 256];
        for (int bit = 0; bit < 32; bit++)
        {
            uint sum = 1u << bit;
            for (int i = 0; i < Lane; i += 8)
            {
                sum = BitOperations.Crc32C(sum, 0UL);
            }

            // Each entry is the sum of those of its bits.
            int table = bit / 8 * 256, value = 1 << (bit % 8);
            for (int entry = 0; entry < 256; entry++)
            {
                passed[table + entry] ^= (entry & value) != 0 ? sum : 0;
            }
        }

        return passed;
    }
}

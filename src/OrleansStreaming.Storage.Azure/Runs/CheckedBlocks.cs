using System.Buffers.Binary;
using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Azure;

/// <summary>
/// How the content of a run lies in its blob: in blocks, each followed by a CRC-32C of its number (i64) and its bytes, so
/// that a range of it can be read by one request and checked. The one place that knows it.
/// </summary>
internal static class CheckedBlocks
{
    /// <summary>The content of a block.</summary>
    public const int Bytes = 16 << 10;

    public const int SumBytes = sizeof(uint);

    private const int Whole = Bytes + SumBytes;

    /// <summary>Where a block begins, counted from where the content begins.</summary>
    public static long PositionOf(long block) => block * Whole;

    /// <summary>The content of a blob that has so many bytes behind the header; -1 when that is not possible.</summary>
    public static long ContentLength(long bytes)
    {
        long last = bytes % Whole;
        return last is > 0 and <= SumBytes || bytes < 0 ? -1 : (bytes / Whole * Bytes) + Math.Max(0, last - SumBytes);
    }

    public static void WriteSum(Span<byte> to, long block, ReadOnlySpan<byte> content) => BinaryPrimitives.WriteUInt32LittleEndian(to, Sum(block, content));

    /// <summary>Checks whole blocks, and moves their content together.</summary>
    /// <param name="bytes">The blocks as they were read; the content is at the front afterwards.</param>
    /// <param name="firstBlock">The number of the first.</param>
    /// <param name="path">The blob, to be told.</param>
    /// <param name="position">Where in the blob they begin.</param>
    /// <returns>The length of the content.</returns>
    /// <exception cref="CorruptDataException">A block is damaged.</exception>
    public static int Check(Span<byte> bytes, long firstBlock, string path, long position)
    {
        int to = 0;
        for (int from = 0; from < bytes.Length; from += Whole)
        {
            int length = Math.Min(Whole, bytes.Length - from) - SumBytes;
            if (length <= 0 || BinaryPrimitives.ReadUInt32LittleEndian(bytes[(from + length)..]) != Sum(firstBlock++, bytes.Slice(from, length)))
            {
                throw new CorruptDataException(path, position + from, $"expected {Math.Max(1, length)} bytes that match their checksum");
            }

            bytes.Slice(from, length).CopyTo(bytes[to..]);
            to += length;
        }

        return to;
    }

    private static uint Sum(long block, ReadOnlySpan<byte> content)
    {
        Span<byte> number = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(number, block);
        return ~Crc32C.Append(Crc32C.Append(uint.MaxValue, number), content);
    }
}

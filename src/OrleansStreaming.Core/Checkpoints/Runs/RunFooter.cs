using System.Buffers.Binary;

namespace OrleansStreaming.Core;

/// <summary>The end of a run: says where its parts lie. Checked by a sum of its own before any length in it is believed.</summary>
/// <param name="BlocksLength">Bytes of all blocks, which come first.</param>
/// <param name="PendingLength">Bytes of the list of grains that wait for something.</param>
/// <param name="IndexLength">Bytes of the index.</param>
/// <param name="FilterLength">Bytes of the filters.</param>
/// <param name="Blocks">The number of blocks.</param>
/// <param name="Entries">The number of checkpoints.</param>
/// <param name="BasePosition">Positions are stored as what they are above it.</param>
/// <param name="TailSum">CRC of the list, the index and the filters.</param>
internal readonly record struct RunFooter(
    long BlocksLength, int PendingLength, int IndexLength, int FilterLength, int Blocks, long Entries, long BasePosition, uint TailSum)
{
    public const int Size = 52;
    private const uint Magic = 0x4B43534F; // "OSCK"

    /// <summary>What lies between the blocks and the footer.</summary>
    public long TailLength => (long)PendingLength + IndexLength + FilterLength;

    /// <summary>The whole run.</summary>
    public long RunLength => BlocksLength + TailLength + Size;

    public void Write(Span<byte> to)
    {
        BinaryPrimitives.WriteInt64LittleEndian(to, BlocksLength);
        BinaryPrimitives.WriteInt32LittleEndian(to[8..], PendingLength);
        BinaryPrimitives.WriteInt32LittleEndian(to[12..], IndexLength);
        BinaryPrimitives.WriteInt32LittleEndian(to[16..], FilterLength);
        BinaryPrimitives.WriteInt32LittleEndian(to[20..], Blocks);
        BinaryPrimitives.WriteInt64LittleEndian(to[24..], Entries);
        BinaryPrimitives.WriteInt64LittleEndian(to[32..], BasePosition);
        BinaryPrimitives.WriteUInt32LittleEndian(to[40..], TailSum);
        BinaryPrimitives.WriteUInt32LittleEndian(to[44..], Crc32C.Compute(to[..44]));
        BinaryPrimitives.WriteUInt32LittleEndian(to[48..], Magic);
    }

    /// <param name="run">The run, for errors.</param>
    /// <param name="from">Its last <see cref="Size"/> bytes.</param>
    /// <param name="runLength">The length that the manifest says it has.</param>
    public static RunFooter Read(string run, ReadOnlySpan<byte> from, long runLength)
    {
        long at = Math.Max(0, runLength - Size);
        if (from.Length != Size || BinaryPrimitives.ReadUInt32LittleEndian(from[44..]) != Crc32C.Compute(from[..44]))
        {
            throw new CorruptDataException(run, at, $"expected the {Size} bytes of a footer that match their checksum");
        }

        if (BinaryPrimitives.ReadUInt32LittleEndian(from[48..]) != Magic)
        {
            throw new CorruptDataException(run, at, "expected the footer of a run of checkpoints");
        }

        var footer = new RunFooter(
            BinaryPrimitives.ReadInt64LittleEndian(from),
            BinaryPrimitives.ReadInt32LittleEndian(from[8..]),
            BinaryPrimitives.ReadInt32LittleEndian(from[12..]),
            BinaryPrimitives.ReadInt32LittleEndian(from[16..]),
            BinaryPrimitives.ReadInt32LittleEndian(from[20..]),
            BinaryPrimitives.ReadInt64LittleEndian(from[24..]),
            BinaryPrimitives.ReadInt64LittleEndian(from[32..]),
            BinaryPrimitives.ReadUInt32LittleEndian(from[40..]));
        bool possible = footer is { BlocksLength: >= 0, PendingLength: >= 0, IndexLength: >= 0, FilterLength: >= 0, Blocks: >= 0, Entries: >= 0 }
            && footer.TailLength <= int.MaxValue && footer.Blocks <= footer.IndexLength;
        return possible && footer.RunLength == runLength
            ? footer
            : throw new CorruptDataException(run, at, $"expected a footer of a run of {runLength} bytes, found {footer}");
    }
}

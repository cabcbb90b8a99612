using System.Buffers.Binary;

namespace OrleansStreaming.Core;

/// <summary>
/// The header of a journal frame, the one place that knows its layout (docs/formats.md). Little-endian:
/// magic u32, version u16, flags u16 (0), body length u32, seal version R u32, LSN i64, CRC of the body u32, CRC of the header u32.
/// </summary>
internal readonly record struct FrameHeader(int BodyLength, int SealVersion, long Lsn, uint BodyCrc)
{
    public const int Size = 32;

    /// <summary>A frame is never longer; a reader never trusts a length beyond it.</summary>
    public const int MaxBodyLength = 64 << 20;

    private const uint Magic = 0x464A534F; // "OSJF"
    private const ushort Version = 1;

    public void Write(Span<byte> to)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(to, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(to[4..], Version);
        BinaryPrimitives.WriteUInt16LittleEndian(to[6..], 0);
        BinaryPrimitives.WriteInt32LittleEndian(to[8..], BodyLength);
        BinaryPrimitives.WriteInt32LittleEndian(to[12..], SealVersion);
        BinaryPrimitives.WriteInt64LittleEndian(to[16..], Lsn);
        BinaryPrimitives.WriteUInt32LittleEndian(to[24..], BodyCrc);
        BinaryPrimitives.WriteUInt32LittleEndian(to[28..], Crc32C.Compute(to[..28]));
    }

    /// <summary>Reads a header; on failure says what is wrong.</summary>
    public static bool TryRead(ReadOnlySpan<byte> from, out FrameHeader header, out string? error)
    {
        header = default;
        if (from.Length < Size)
        {
            error = $"expected a frame header of {Size} bytes, found {from.Length}";
            return false;
        }

        uint magic = BinaryPrimitives.ReadUInt32LittleEndian(from);
        if (magic != Magic)
        {
            error = $"expected the frame mark {Magic:x8}, found {magic:x8}";
            return false;
        }

        if (BinaryPrimitives.ReadUInt32LittleEndian(from[28..]) != Crc32C.Compute(from[..28]))
        {
            error = "the frame header does not match its checksum";
            return false;
        }

        ushort version = BinaryPrimitives.ReadUInt16LittleEndian(from[4..]);
        if (version != Version)
        {
            error = $"expected format version {Version}, found {version}";
            return false;
        }

        header = new FrameHeader(
            BinaryPrimitives.ReadInt32LittleEndian(from[8..]),
            BinaryPrimitives.ReadInt32LittleEndian(from[12..]),
            BinaryPrimitives.ReadInt64LittleEndian(from[16..]),
            BinaryPrimitives.ReadUInt32LittleEndian(from[24..]));
        if ((uint)header.BodyLength > MaxBodyLength || header.Lsn <= 0)
        {
            error = $"impossible body length {header.BodyLength} or LSN {header.Lsn}";
            return false;
        }

        error = null;
        return true;
    }

    /// <summary>Whether the body belongs to this header.</summary>
    public bool Matches(ReadOnlySpan<byte> body) => body.Length == BodyLength && Crc32C.Compute(body) == BodyCrc;
}

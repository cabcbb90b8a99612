using System.Buffers.Binary;

namespace OrleansStreaming.Core;

/// <summary>
/// What a segment file has before each frame, the one place that knows its layout. Little-endian: segment id u64,
/// confirmed LSN i64, frame length u32, CRC-32C u32 of the prefix's position in the file (i64) and of all before it.
/// </summary>
/// <param name="SegmentId">The segment it was written for: a frame that was left in a recycled file has another.</param>
/// <param name="ConfirmedLsn">
/// The last LSN that was durable when this append began. It tells a torn tail from damage: no append begins before the
/// one before it is durable, so every frame up to this LSN must be there, while those of this append may be torn.
/// </param>
/// <param name="FrameLength">The bytes of the frame that follows.</param>
/// <remarks>The position is part of the checksum, so that a copy of a segment inside an event is not taken for its frames.</remarks>
internal readonly record struct FramePrefix(ulong SegmentId, long ConfirmedLsn, int FrameLength)
{
    public const int Size = 24;

    public const int MaxFrameLength = FrameHeader.Size + FrameHeader.MaxBodyLength;

    private const int CrcAt = Size - sizeof(uint);

    public void Write(Span<byte> to, long position)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(to, SegmentId);
        BinaryPrimitives.WriteInt64LittleEndian(to[8..], ConfirmedLsn);
        BinaryPrimitives.WriteInt32LittleEndian(to[16..], FrameLength);
        BinaryPrimitives.WriteUInt32LittleEndian(to[CrcAt..], Checksum(to, position));
    }

    /// <summary>Reads a prefix; on failure says what is wrong.</summary>
    public static bool TryRead(ReadOnlySpan<byte> from, long position, ulong segmentId, out FramePrefix prefix, out string? error)
    {
        prefix = default;
        if (from.Length < Size)
        {
            error = $"expected a frame prefix of {Size} bytes, found the end of the file";
            return false;
        }

        ulong id = BinaryPrimitives.ReadUInt64LittleEndian(from);
        if (id != segmentId)
        {
            error = $"expected segment id {segmentId:x16}, found {id:x16}";
            return false;
        }

        if (BinaryPrimitives.ReadUInt32LittleEndian(from[CrcAt..]) != Checksum(from, position))
        {
            error = "expected a frame prefix that matches its checksum";
            return false;
        }

        prefix = new FramePrefix(id, BinaryPrimitives.ReadInt64LittleEndian(from[8..]), BinaryPrimitives.ReadInt32LittleEndian(from[16..]));
        if (prefix.FrameLength is < FrameHeader.Size or > MaxFrameLength || prefix.ConfirmedLsn < 0)
        {
            error = $"expected a possible frame length, found {prefix.FrameLength}";
            return false;
        }

        error = null;
        return true;
    }

    private static uint Checksum(ReadOnlySpan<byte> prefix, long position)
    {
        Span<byte> positionBytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(positionBytes, position);
        return ~Crc32C.Append(Crc32C.Append(uint.MaxValue, positionBytes), prefix[..CrcAt]);
    }
}

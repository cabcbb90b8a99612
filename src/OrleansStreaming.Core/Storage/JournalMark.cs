using System.Buffers.Binary;

namespace OrleansStreaming.Core;

/// <summary>
/// What storage notes beside a journal's segments, the one place that knows its layout. Little-endian: magic u32,
/// version u16, 1 if the LSN is known u16, LSN i64, CRC-32C u32.
/// </summary>
internal static class JournalMark
{
    public const int Size = 20;

    private const uint Magic = 0x4D4A534F; // "OSJM"
    private const ushort Version = 1;

    public static byte[] Format(long? lsn)
    {
        byte[] bytes = new byte[Size];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(4), Version);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(6), lsn.HasValue ? (ushort)1 : (ushort)0);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8), lsn ?? 0);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(16), Crc32C.Compute(bytes.AsSpan(0, 16)));
        return bytes;
    }

    /// <summary>Reads a mark.</summary>
    /// <returns>The LSN; null when the mark does not say.</returns>
    /// <exception cref="CorruptDataException">It is damaged.</exception>
    public static long? Parse(ReadOnlySpan<byte> bytes, string path)
    {
        if (bytes.Length != Size)
        {
            throw new CorruptDataException(path, 0, $"expected {Size} bytes, found {bytes.Length}");
        }

        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes) != Magic
            || BinaryPrimitives.ReadUInt32LittleEndian(bytes[16..]) != Crc32C.Compute(bytes[..16]))
        {
            throw new CorruptDataException(path, 0, "expected a mark that matches its checksum");
        }

        ushort version = BinaryPrimitives.ReadUInt16LittleEndian(bytes[4..]);
        if (version != Version)
        {
            throw new CorruptDataException(path, 4, $"expected format version {Version}, found {version}");
        }

        return bytes[6] != 0 ? BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]) : null;
    }
}

using System.Buffers.Binary;
using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Files;

/// <summary>
/// The small files beside a journal's segments, the one place that knows their layout. Little-endian: magic u32,
/// version u16, 1 if the LSN is known u16, LSN i64, CRC-32C u32.
/// </summary>
internal static class JournalMark
{
    /// <summary>The journal's end, once known. That the file exists at all stops the writer.</summary>
    public const string FenceFile = "fence";

    /// <summary>The first LSN that has not been trimmed: without it a lost first segment would look trimmed.</summary>
    public const string TrimmedFile = "trimmed";

    /// <summary>The first LSN of the last segment that was written to: without it a journal that has lost its last segment would look shorter.</summary>
    public const string BegunFile = "begun";

    public const int Size = 20;

    private const uint Magic = 0x4D4A534F; // "OSJM"
    private const ushort Version = 1;

    public static ReadOnlyMemory<byte>[] Format(long? lsn)
    {
        byte[] bytes = new byte[Size];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(4), Version);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(6), lsn.HasValue ? (ushort)1 : (ushort)0);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8), lsn ?? 0);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(16), Crc32C.Compute(bytes.AsSpan(0, 16)));
        return [bytes];
    }

    /// <summary>Reads a mark.</summary>
    /// <returns>Whether the file exists; <paramref name="lsn"/> is null when it does not say.</returns>
    public static bool TryRead(IFileSystem files, string path, out long? lsn)
    {
        lsn = null;
        byte[]? bytes = SmallFile.TryRead(files, path);
        if (bytes is null)
        {
            return false;
        }

        if (bytes.Length != Size)
        {
            throw new CorruptDataException(path, 0, $"expected {Size} bytes, found {bytes.Length}");
        }

        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes) != Magic
            || BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(16)) != Crc32C.Compute(bytes.AsSpan(0, 16)))
        {
            throw new CorruptDataException(path, 0, "expected a mark that matches its checksum");
        }

        ushort version = BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(4));
        if (version != Version)
        {
            throw new CorruptDataException(path, 4, $"expected format version {Version}, found {version}");
        }

        lsn = bytes[6] != 0 ? BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(8)) : null;
        return true;
    }
}

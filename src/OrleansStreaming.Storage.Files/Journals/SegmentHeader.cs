using System.Buffers.Binary;
using System.Security.Cryptography;
using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Files;

/// <summary>
/// The header of a segment file, the one place that knows its layout. Little-endian: magic u32, version u16,
/// header size u16, generation u32, 0 u32, segment id u64, journal hash u64, first LSN i64, capacity i64, 12 zero bytes,
/// CRC-32C of all before it u32.
/// </summary>
/// <remarks>
/// A segment is recycled without being cleared, so old frames lie behind the new ones. The id tells them apart: it is a
/// hash of the journal's name (never used twice), the first LSN, and how often the file has been used, and every frame
/// repeats it. It needs no random numbers, so that equal runs make equal files.
/// </remarks>
internal readonly record struct SegmentHeader(ulong SegmentId, ulong JournalHash, long FirstLsn, long Capacity, uint Generation)
{
    public const int Size = 64;

    private const uint Magic = 0x534A534F; // "OSJS"
    private const ushort Version = 1;
    private const int CrcAt = Size - sizeof(uint);

    public static SegmentHeader Create(string journal, long firstLsn, long capacity, uint generation)
    {
        byte[] name = StoredNames.Encode(journal);
        byte[] identity = new byte[name.Length + 13];
        name.CopyTo(identity, 0);
        BinaryPrimitives.WriteInt64LittleEndian(identity.AsSpan(name.Length + 1), firstLsn);
        BinaryPrimitives.WriteUInt32LittleEndian(identity.AsSpan(name.Length + 9), generation);

        // Cleared space must never look like an id.
        ulong id = Math.Max(1, Hash(identity));
        return new SegmentHeader(id, Hash(name), firstLsn, capacity, generation);
    }

    public void Write(Span<byte> to)
    {
        to[..Size].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(to, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(to[4..], Version);
        BinaryPrimitives.WriteUInt16LittleEndian(to[6..], Size);
        BinaryPrimitives.WriteUInt32LittleEndian(to[8..], Generation);
        BinaryPrimitives.WriteUInt64LittleEndian(to[16..], SegmentId);
        BinaryPrimitives.WriteUInt64LittleEndian(to[24..], JournalHash);
        BinaryPrimitives.WriteInt64LittleEndian(to[32..], FirstLsn);
        BinaryPrimitives.WriteInt64LittleEndian(to[40..], Capacity);
        BinaryPrimitives.WriteUInt32LittleEndian(to[CrcAt..], Crc32C.Compute(to[..CrcAt]));
    }

    /// <summary>Reads a header; on failure says what is wrong.</summary>
    public static bool TryRead(ReadOnlySpan<byte> from, out SegmentHeader header, out string? error)
    {
        header = default;
        if (from.Length < Size)
        {
            error = $"expected a segment header of {Size} bytes, found {from.Length}";
            return false;
        }

        uint magic = BinaryPrimitives.ReadUInt32LittleEndian(from);
        if (magic != Magic)
        {
            error = $"expected the segment mark {Magic:x8}, found {magic:x8}";
            return false;
        }

        if (BinaryPrimitives.ReadUInt32LittleEndian(from[CrcAt..]) != Crc32C.Compute(from[..CrcAt]))
        {
            error = "the segment header does not match its checksum";
            return false;
        }

        ushort version = BinaryPrimitives.ReadUInt16LittleEndian(from[4..]);
        if (version != Version)
        {
            error = $"expected format version {Version}, found {version}";
            return false;
        }

        header = new SegmentHeader(
            BinaryPrimitives.ReadUInt64LittleEndian(from[16..]),
            BinaryPrimitives.ReadUInt64LittleEndian(from[24..]),
            BinaryPrimitives.ReadInt64LittleEndian(from[32..]),
            BinaryPrimitives.ReadInt64LittleEndian(from[40..]),
            BinaryPrimitives.ReadUInt32LittleEndian(from[8..]));
        error = null;
        return true;
    }

    private static ulong Hash(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(bytes));
}

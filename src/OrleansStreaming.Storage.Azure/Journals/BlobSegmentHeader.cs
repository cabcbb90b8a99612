using System.Buffers.Binary;
using System.Security.Cryptography;
using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Azure;

/// <summary>
/// The beginning of a segment, written together with its first frames; the one place that knows its layout. Little-endian:
/// magic u32, version u16, header size u16, index u32, 0 u32, segment id u64, journal hash u64, first LSN i64, length of the
/// segment before i64, 12 zero bytes, CRC-32C of all before it u32.
/// </summary>
/// <param name="Index">The number of the segment, from 0.</param>
/// <param name="SegmentId">Repeated before each frame.</param>
/// <param name="JournalHash">Of the journal's name.</param>
/// <param name="FirstLsn">The LSN of the first frame.</param>
/// <param name="PreviousLength">Up to where the segment before was confirmed: it has lost data if it is shorter, and what is behind is no part of the journal.</param>
internal readonly record struct BlobSegmentHeader(int Index, ulong SegmentId, ulong JournalHash, long FirstLsn, long PreviousLength)
{
    public const int Size = 64;

    private const uint Magic = 0x424A534F; // "OSJB"
    private const ushort Version = 1;
    private const int CrcAt = Size - sizeof(uint);

    public static BlobSegmentHeader Create(string journal, int index, long firstLsn, long previousLength)
    {
        byte[] name = StoredNames.Encode(journal);
        byte[] identity = new byte[name.Length + 13];
        name.CopyTo(identity, 0);
        BinaryPrimitives.WriteInt64LittleEndian(identity.AsSpan(name.Length + 1), firstLsn);
        BinaryPrimitives.WriteInt32LittleEndian(identity.AsSpan(name.Length + 9), index);
        return new BlobSegmentHeader(index, Hash(identity), Hash(name), firstLsn, previousLength);
    }

    public void Write(Span<byte> to)
    {
        to[..Size].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(to, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(to[4..], Version);
        BinaryPrimitives.WriteUInt16LittleEndian(to[6..], Size);
        BinaryPrimitives.WriteInt32LittleEndian(to[8..], Index);
        BinaryPrimitives.WriteUInt64LittleEndian(to[16..], SegmentId);
        BinaryPrimitives.WriteUInt64LittleEndian(to[24..], JournalHash);
        BinaryPrimitives.WriteInt64LittleEndian(to[32..], FirstLsn);
        BinaryPrimitives.WriteInt64LittleEndian(to[40..], PreviousLength);
        BinaryPrimitives.WriteUInt32LittleEndian(to[CrcAt..], Crc32C.Compute(to[..CrcAt]));
    }

    /// <summary>Reads a header and checks that it is the one that belongs there.</summary>
    /// <exception cref="CorruptDataException">It is damaged, or of another journal or segment.</exception>
    public static BlobSegmentHeader Parse(ReadOnlySpan<byte> from, string journal, int index, string path)
    {
        if (from.Length < Size)
        {
            throw new CorruptDataException(path, from.Length, $"expected a segment header of {Size} bytes, found {from.Length}");
        }

        uint magic = BinaryPrimitives.ReadUInt32LittleEndian(from);
        if (magic != Magic)
        {
            throw new CorruptDataException(path, 0, $"expected the segment mark {Magic:x8}, found {magic:x8}");
        }

        if (BinaryPrimitives.ReadUInt32LittleEndian(from[CrcAt..]) != Crc32C.Compute(from[..CrcAt]))
        {
            throw new CorruptDataException(path, 0, "the segment header does not match its checksum");
        }

        ushort version = BinaryPrimitives.ReadUInt16LittleEndian(from[4..]);
        if (version != Version)
        {
            throw new CorruptDataException(path, 4, $"expected format version {Version}, found {version}");
        }

        var header = new BlobSegmentHeader(
            BinaryPrimitives.ReadInt32LittleEndian(from[8..]),
            BinaryPrimitives.ReadUInt64LittleEndian(from[16..]),
            BinaryPrimitives.ReadUInt64LittleEndian(from[24..]),
            BinaryPrimitives.ReadInt64LittleEndian(from[32..]),
            BinaryPrimitives.ReadInt64LittleEndian(from[40..]));
        return header == Create(journal, index, header.FirstLsn, header.PreviousLength)
            ? header
            : throw new CorruptDataException(path, 0, $"expected segment {index} of journal {journal}, found segment {header.Index}{(header.JournalHash == Hash(StoredNames.Encode(journal)) ? "" : " of another journal")}");
    }

    private static ulong Hash(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(bytes));
}

using System.Buffers.Binary;
using System.Text;

namespace OrleansStreaming.Core;

/// <summary>
/// How stored records and runs begin, the one place that knows it. Little-endian: magic u32, version u16, name length u16,
/// number i64, content length i64, CRC-32C of the content u32, CRC-32C of all this and the name u32; then the name.
/// </summary>
/// <param name="Kind">Record or run.</param>
/// <param name="Name">The name: a long one cannot be read back from the file's name, and a file may be in the wrong place.</param>
/// <param name="Number">The version of a record; 0 for a run.</param>
/// <param name="ContentLength">The bytes of the content.</param>
/// <param name="ContentCrc">Of a record; 0 for a run, which has one for each block.</param>
internal sealed record NamedFileHeader(NamedFileKind Kind, string Name, long Number, long ContentLength, uint ContentCrc)
{
    public const int FixedSize = 32;

    public const int MaxSize = FixedSize + ushort.MaxValue;

    private const ushort Version = 1;
    private const int CrcAt = FixedSize - sizeof(uint);

    public int Size => FixedSize + Encoding.UTF8.GetByteCount(Name);

    public byte[] Format()
    {
        byte[] name = StoredNames.Encode(Name);
        byte[] bytes = new byte[FixedSize + name.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, (uint)Kind);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(4), Version);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(6), (ushort)name.Length);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8), Number);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(16), ContentLength);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(24), ContentCrc);
        name.CopyTo(bytes, FixedSize);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(CrcAt), Checksum(bytes));
        return bytes;
    }

    /// <summary>Reads and checks the beginning of a file.</summary>
    /// <exception cref="CorruptDataException">It is damaged.</exception>
    public static NamedFileHeader Parse(ReadOnlySpan<byte> bytes, NamedFileKind kind, string path)
    {
        if (bytes.Length < FixedSize)
        {
            throw new CorruptDataException(path, bytes.Length, $"expected a header of {FixedSize} bytes");
        }

        uint magic = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        if (magic != (uint)kind)
        {
            throw new CorruptDataException(path, 0, $"expected the mark {(uint)kind:x8}, found {magic:x8}");
        }

        int size = FixedSize + BinaryPrimitives.ReadUInt16LittleEndian(bytes[6..]);
        if (bytes.Length < size)
        {
            throw new CorruptDataException(path, bytes.Length, $"expected a header of {size} bytes");
        }

        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes[CrcAt..]) != Checksum(bytes[..size]))
        {
            throw new CorruptDataException(path, 0, "expected a header that matches its checksum");
        }

        ushort version = BinaryPrimitives.ReadUInt16LittleEndian(bytes[4..]);
        if (version != Version)
        {
            throw new CorruptDataException(path, 4, $"expected format version {Version}, found {version}");
        }

        return new NamedFileHeader(
            kind,
            Encoding.UTF8.GetString(bytes[FixedSize..size]),
            BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]),
            BinaryPrimitives.ReadInt64LittleEndian(bytes[16..]),
            BinaryPrimitives.ReadUInt32LittleEndian(bytes[24..]));
    }

    /// <summary>Throws unless the file is that of a name.</summary>
    public void ThrowUnlessNamed(string name, string path)
    {
        if (Name != name)
        {
            throw new CorruptDataException(path, FixedSize, $"expected the file of {name}, found that of {Name}");
        }
    }

    private static uint Checksum(ReadOnlySpan<byte> header) =>
        ~Crc32C.Append(Crc32C.Append(uint.MaxValue, header[..CrcAt]), header[FixedSize..]);
}

/// <summary>The marks by which named files begin.</summary>
internal enum NamedFileKind : uint
{
    /// <summary>"OSRC": changes by compare-and-swap.</summary>
    Record = 0x4352534F,

    /// <summary>"OSRN": never changes.</summary>
    Run = 0x4E52534F,
}

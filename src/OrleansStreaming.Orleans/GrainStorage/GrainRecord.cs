using System.Buffers.Binary;
using System.Text;
using OrleansStreaming.Core;

namespace OrleansStreaming.Clustering;

/// <summary>
/// A stored state of a grain: whose it is, whether there is one, and its bytes. Storage has no deletion of records, so a
/// state that was cleared stays as a record that says so; by its tag a later writer notices that.
/// </summary>
/// <param name="FullName">Service, storage, state and grain, of which the record's name may be a hash.</param>
/// <param name="State">The state as the serializer wrote it; null when it was cleared.</param>
internal readonly record struct GrainRecord(string FullName, ReadOnlyMemory<byte>? State)
{
    private const string Prefix = "grains";
    private const int HeaderSize = 12;
    private const ushort FormatVersion = 1;
    private const ushort HasState = 1;

    private static ReadOnlySpan<byte> Magic => "OSGS"u8;

    public static string FullNameOf(string service, string storage, string state, GrainId grain) => RecordNames.Join(
        Prefix, Encoding.UTF8.GetBytes(service), Encoding.UTF8.GetBytes(storage), Encoding.UTF8.GetBytes(state), grain.Type.AsSpan().ToArray(), grain.Key.AsSpan().ToArray());

    /// <summary>The name in storage of what has this full name.</summary>
    public static string NameOf(string fullName) => RecordNames.Stored(Prefix, fullName);

    public byte[] ToBytes()
    {
        ReadOnlySpan<byte> state = State.GetValueOrDefault().Span;
        byte[] bytes = new byte[HeaderSize + FullName.Length + state.Length];
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(4), FormatVersion);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(6), State is null ? (ushort)0 : HasState);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8), FullName.Length);
        Encoding.ASCII.GetBytes(FullName, bytes.AsSpan(HeaderSize));
        state.CopyTo(bytes.AsSpan(HeaderSize + FullName.Length));
        return bytes;
    }

    /// <exception cref="CorruptDataException">It is not such a record, or that of another grain.</exception>
    public static GrainRecord Parse(string fullName, ReadOnlyMemory<byte> content)
    {
        ReadOnlySpan<byte> bytes = content.Span;
        if (bytes.Length < HeaderSize || !bytes.StartsWith(Magic))
        {
            throw new CorruptDataException(NameOf(fullName), 0, "expected the state of a grain");
        }

        ushort version = BinaryPrimitives.ReadUInt16LittleEndian(bytes[4..]);
        if (version != FormatVersion)
        {
            throw new CorruptDataException(NameOf(fullName), 4, $"expected version {FormatVersion} of the format, found {version}");
        }

        int length = BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]);
        if (length < 0 || length > bytes.Length - HeaderSize || Encoding.ASCII.GetString(bytes.Slice(HeaderSize, length)) != fullName)
        {
            throw new CorruptDataException(NameOf(fullName), HeaderSize, $"expected the state of {fullName}");
        }

        bool hasState = (BinaryPrimitives.ReadUInt16LittleEndian(bytes[6..]) & HasState) != 0;
        return new GrainRecord(fullName, hasState ? content[(HeaderSize + length)..] : default(ReadOnlyMemory<byte>?));
    }
}

using System.Buffers;
using Orleans.Serialization.Buffers;
using Orleans.Serialization.Cloning;
using Orleans.Serialization.Codecs;
using Orleans.Serialization.Serializers;
using Orleans.Serialization.WireProtocol;

namespace OrleansStreaming.Clustering;

/// <summary>
/// Bytes on their way between silos, in memory that is lent: some hundred kilobytes for each call would else be new memory
/// several times over, and touching that for the first time takes longer than copying them. Each side gives back its own.
/// </summary>
internal sealed class WireBytes
{
    private byte[]? _lent;

    private WireBytes(byte[] lent, int length) => (_lent, Memory) = (lent, lent.AsMemory(0, length));

    public Memory<byte> Memory { get; private set; }

    public static WireBytes Rent(int length) => new(ArrayPool<byte>.Shared.Rent(length), length);

    public static WireBytes Copy(ReadOnlySpan<byte> bytes)
    {
        WireBytes copy = Rent(bytes.Length);
        bytes.CopyTo(copy.Memory.Span);
        return copy;
    }

    /// <summary>Nobody looks at them any more. Whoever does not know that leaves them to the collector.</summary>
    public void Return()
    {
        if (Interlocked.Exchange(ref _lent, null) is { } lent)
        {
            Memory = default;
            ArrayPool<byte>.Shared.Return(lent);
        }
    }
}

/// <summary>How they go over the wire: as an array of bytes does.</summary>
[RegisterSerializer]
internal sealed class WireBytesCodec : IFieldCodec<WireBytes>
{
    public void WriteField<TBufferWriter>(ref Writer<TBufferWriter> writer, uint fieldIdDelta, Type? expectedType, WireBytes? value)
        where TBufferWriter : IBufferWriter<byte>
    {
        ReferenceCodec.MarkValueField(writer.Session);
        writer.WriteFieldHeader(fieldIdDelta, expectedType, typeof(WireBytes), WireType.LengthPrefixed);
        writer.WriteVarUInt32((uint)value!.Memory.Length);
        writer.Write(value.Memory.Span);
    }

    public WireBytes ReadValue<TInput>(ref Reader<TInput> reader, Field field)
    {
        field.EnsureWireType(WireType.LengthPrefixed);
        ReferenceCodec.MarkValueField(reader.Session);
        uint length = reader.ReadVarUInt32();
        if (length > Array.MaxLength)
        {
            throw new InvalidDataException($"a message between silos claims to have {length} bytes");
        }

        WireBytes bytes = WireBytes.Rent((int)length);
        reader.ReadBytes(bytes.Memory.Span);
        return bytes;
    }
}

/// <summary>What a silo sends to itself has memory of its own, too: both sides give theirs back.</summary>
[RegisterCopier]
internal sealed class WireBytesCopier : IDeepCopier<WireBytes>
{
    public WireBytes? DeepCopy(WireBytes? input, CopyContext context) => input is null ? null : WireBytes.Copy(input.Memory.Span);
}

using System.Buffers;
using Orleans.Serialization.Buffers;
using Orleans.Serialization.Cloning;
using Orleans.Serialization.Codecs;
using Orleans.Serialization.Serializers;
using Orleans.Serialization.WireProtocol;

namespace OrleansStreaming.Clustering;

/// <summary>
/// Bytes on their way between silos, in memory that is lent: some hundred kilobytes for each call would else be new memory
/// several times over, and touching that for the first time takes longer than copying them. Whoever takes a call gives them
/// back when nobody looks at them any more; whoever makes it, when the answer is there. What a silo sends to itself is the
/// same object for both, and may be given back twice.
/// </summary>
internal sealed class WireBytes
{
    private byte[]? _lent;

    /// <param name="lent">Of the shared pool.</param>
    /// <param name="length">How much of it counts.</param>
    public WireBytes(byte[] lent, int length) => (_lent, Memory) = (lent, lent.AsMemory(0, length));

    public Memory<byte> Memory { get; private set; }

    public static WireBytes Rent(int length) => new(ArrayPool<byte>.Shared.Rent(length), length);

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

/// <summary>
/// They are not copied: nobody changes them. Orleans would copy the argument of each call, and a copy of some hundred
/// kilobytes that nobody gives back is new memory and work for the collector.
/// </summary>
[RegisterCopier]
internal sealed class WireBytesCopier : IDeepCopier<WireBytes>
{
    public WireBytes? DeepCopy(WireBytes? input, CopyContext context) => input;
}

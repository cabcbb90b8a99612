using OrleansStreaming.Core;

namespace OrleansStreaming.Clustering;

/// <summary>Reads what a <see cref="WireWriter"/> has written. Trusts no length: what is cut off or damaged throws <see cref="InvalidDataException"/>.</summary>
internal ref struct WireReader(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private int _at;

    public readonly int At => _at;

    public readonly bool AtEnd => _at >= _bytes.Length;

    public byte Byte() => _at < _bytes.Length ? _bytes[_at++] : throw Damaged();

    public bool Flag() => Byte() != 0;

    public long Number()
    {
        try
        {
            return (long)Varint.Read(_bytes, ref _at);
        }
        catch (Exception e) when (Varint.IsOutside(e))
        {
            throw Damaged();
        }
    }

    public int Int()
    {
        long number = Number();
        return number is >= int.MinValue and <= int.MaxValue ? (int)number : throw Damaged();
    }

    /// <summary>How many things follow, each of at least one byte.</summary>
    public int Count()
    {
        long count = Number();
        return count >= 0 && count <= _bytes.Length - _at ? (int)count : throw Damaged();
    }

    public ReadOnlySpan<byte> Bytes()
    {
        int length = Count();
        _at += length;
        return _bytes.Slice(_at - length, length);
    }

    public CausalityVector? Vector()
    {
        try
        {
            return VectorCodec.Read(_bytes, ref _at);
        }
        catch (Exception e) when (Varint.IsOutside(e))
        {
            throw Damaged();
        }
    }

    private static InvalidDataException Damaged() => new("a message between silos is cut off or damaged");
}

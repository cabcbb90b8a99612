using System.Buffers;
using OrleansStreaming.Core;

namespace OrleansStreaming.Clustering;

/// <summary>Writes numbers and bytes one behind the other, into memory that is lent and grows as needed.</summary>
/// <param name="expected">How much there will be, about.</param>
internal sealed class WireWriter(int expected = 1024)
{
    private byte[] _bytes = [];
    private int _length;

    public int Length => _length;

    /// <summary>Copies what has been written, gives its memory back, and begins anew.</summary>
    public byte[] ToArray()
    {
        WireBytes taken = Take();
        byte[] copy = taken.Memory.ToArray();
        taken.Return();
        return copy;
    }

    /// <summary>Gives away what has been written, where it is, and begins anew.</summary>
    public WireBytes Take()
    {
        var taken = new WireBytes(_bytes, _length);
        (_bytes, _length) = ([], 0);
        return taken;
    }

    public void Byte(byte value) => Reserve(1)[_length++] = value;

    public void Flag(bool value) => Byte(value ? (byte)1 : (byte)0);

    /// <summary>A number that is mostly small and not negative.</summary>
    public void Number(long value) => Varint.Write(Reserve(10), ref _length, (ulong)value);

    public void Bytes(ReadOnlySpan<byte> value)
    {
        Number(value.Length);
        value.CopyTo(Reserve(value.Length).AsSpan(_length));
        _length += value.Length;
    }

    public void Vector(CausalityVector? vector) => VectorCodec.Write(Reserve(VectorCodec.MaxSize(vector)), ref _length, vector);

    private byte[] Reserve(int size)
    {
        if (_length + size > _bytes.Length)
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(_length + size, Math.Max(expected, _bytes.Length * 2)));
            _bytes.AsSpan(0, _length).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = larger;
        }

        return _bytes;
    }
}

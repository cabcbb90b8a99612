using OrleansStreaming.Core;

namespace OrleansStreaming.Clustering;

/// <summary>Writes numbers and bytes one behind the other; grows as needed and is used again.</summary>
internal sealed class WireWriter
{
    private byte[] _bytes = new byte[1024];
    private int _length;

    public int Length => _length;

    public void Clear() => _length = 0;

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, _length);

    public byte[] ToArray() => Written.ToArray();

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
            Array.Resize(ref _bytes, Math.Max(_length + size, _bytes.Length * 2));
        }

        return _bytes;
    }
}

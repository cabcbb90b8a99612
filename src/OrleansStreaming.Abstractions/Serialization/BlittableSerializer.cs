using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace OrleansStreaming;

/// <summary>Copies an unmanaged value as it lies in memory. Its schema is the exact layout, so another layout is never misread.</summary>
internal sealed class BlittableSerializer<T> : IEventSerializer<T>
{
    private static readonly int Size = Unsafe.SizeOf<T>();

    private readonly (int Start, int Length)[] _padding;

    public BlittableSerializer()
    {
        if (RuntimeHelpers.IsReferenceOrContainsReferences<T>())
        {
            throw new NotSupportedException($"{typeof(T)} contains references and has no fixed memory layout.");
        }

        BlittableLayout layout = BlittableLayout.Of(typeof(T));
        Schema = layout.Schema;
        _padding = layout.Padding;
    }

    public string Schema { get; }

    public bool CanRead(string storedSchema) => storedSchema == Schema;

    public void Write(in T value, IBufferWriter<byte> output)
    {
        Span<byte> span = output.GetSpan(Size);
        Unsafe.WriteUnaligned(ref MemoryMarshal.GetReference(span), value);

        // The bytes between fields are whatever was in memory; the same value must always give the same bytes.
        foreach ((int start, int length) in _padding)
        {
            span.Slice(start, length).Clear();
        }

        output.Advance(Size);
    }

    public T Read(ReadOnlySpan<byte> bytes) => bytes.Length == Size
        ? Unsafe.ReadUnaligned<T>(ref MemoryMarshal.GetReference(bytes))
        : throw new FormatException($"A {typeof(T)} has {Size} bytes, not {bytes.Length}.");
}

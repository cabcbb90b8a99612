using System.Buffers;

namespace OrleansStreaming.Core;

/// <summary>Bytes that gather in memory of the shared pool.</summary>
internal sealed class PooledWriter : IBufferWriter<byte>, IDisposable
{
    private const int Smallest = 1024;
    private byte[] _buffer = [];

    public int WrittenCount { get; private set; }

    public ReadOnlySpan<byte> WrittenSpan => _buffer.AsSpan(0, WrittenCount);

    public void Advance(int count) => WrittenCount += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _buffer.AsMemory(WrittenCount);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _buffer.AsSpan(WrittenCount);
    }

    /// <summary>Forgets the bytes and gives the memory back.</summary>
    public void Dispose()
    {
        WrittenCount = 0;
        if (_buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = [];
        }
    }

    private void Reserve(int size)
    {
        int needed = checked(WrittenCount + Math.Max(size, 1));
        if (needed > _buffer.Length)
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(needed, Math.Max(Smallest, _buffer.Length * 2)));
            WrittenSpan.CopyTo(larger);
            int written = WrittenCount;
            Dispose();
            _buffer = larger;
            WrittenCount = written;
        }
    }
}

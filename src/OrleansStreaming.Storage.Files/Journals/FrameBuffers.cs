using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Files;

/// <summary>
/// Memory that journals are read into, lent again and again. A recovery reads megabytes while it is waited for, and touching
/// new memory for the first time takes longer than reading into it what the system has cached. Thread-safe.
/// </summary>
internal sealed class FrameBuffers
{
    /// <summary>Those of this process.</summary>
    public static readonly FrameBuffers Shared = new();

    /// <summary>So much is read at once.</summary>
    public const int Size = 1 << 20;

    /// <summary>Below this, memory of its own is cheaper than keeping a whole buffer from others.</summary>
    private const int SmallestLent = Size / 4;

    /// <summary>Two for each of some readers: one that is being read into, and one that is being looked through.</summary>
    private const int Kept = 8;

    private readonly Lock _lock = new();
    private readonly Stack<byte[]> _free = new(Kept);

    public byte[] Rent(int size)
    {
        if (size is < SmallestLent or > Size)
        {
            return GC.AllocateUninitializedArray<byte>(size);
        }

        lock (_lock)
        {
            return _free.TryPop(out byte[]? buffer) ? buffer : GC.AllocateUninitializedArray<byte>(Size);
        }
    }

    public void Return(byte[] buffer)
    {
        lock (_lock)
        {
            if (buffer.Length == Size && _free.Count < Kept)
            {
                _free.Push(buffer);
            }
        }
    }
}

/// <summary>Frames in memory that is lent: whoever disposes of the list gives it back, and must not look at the frames any more.</summary>
internal sealed class LentFrames : List<StoredFrame>, IDisposable
{
    private readonly List<byte[]> _lent = [];

    public byte[] Rent(int size)
    {
        _lent.Add(FrameBuffers.Shared.Rent(size));
        return _lent[^1];
    }

    public void Dispose()
    {
        Clear();
        foreach (byte[] buffer in _lent)
        {
            FrameBuffers.Shared.Return(buffer);
        }

        _lent.Clear();
    }
}

namespace OrleansStreaming.Core;

/// <summary>
/// Copies that no grain needs at the moment. One that was given back has left the processor's caches meanwhile, so those that
/// are taken next are fetched ahead.
/// </summary>
internal sealed class SpareCopies
{
    private UndoCopy[] _copies = new UndoCopy[64];
    private int _count;

    /// <summary>One of them, or a new one.</summary>
    public UndoCopy Take()
    {
        if (_count == 0)
        {
            return new UndoCopy();
        }

        UndoCopy copy = _copies[--_count];
        if (_count >= 2)
        {
            Memory.Prefetch(_copies[_count - 2], UndoCopy.TouchedBytes);
            _copies[_count - 1].PrefetchState();
        }

        return copy;
    }

    /// <summary>No grain needs it any more.</summary>
    public void Give(UndoCopy copy)
    {
        if (_count == _copies.Length)
        {
            Array.Resize(ref _copies, _count * 2);
        }

        _copies[_count++] = copy;
    }
}

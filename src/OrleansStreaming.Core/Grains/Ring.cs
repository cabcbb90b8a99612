using System.Numerics;

namespace OrleansStreaming.Core;

/// <summary>Memory for items that are numbered one after another, and of which only the last so many are there.</summary>
internal sealed class Ring<T>
{
    private T[] _items = [];

    /// <summary>So many fit.</summary>
    public int Capacity => _items.Length;

    /// <summary>The item with a number that is there.</summary>
    public ref T this[long number] => ref _items[number & (_items.Length - 1)];

    /// <summary>Has room for as many as are wanted, rounded up to a power of two; keeps those of some numbers.</summary>
    public void Resize(int capacity, long first, long end)
    {
        T[] old = _items;
        _items = new T[BitOperations.RoundUpToPowerOf2((uint)capacity)];
        for (long i = first; i < end; i++)
        {
            this[i] = old[i & (old.Length - 1)];
        }
    }
}

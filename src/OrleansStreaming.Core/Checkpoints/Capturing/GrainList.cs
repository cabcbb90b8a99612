namespace OrleansStreaming.Core;

/// <summary>A list of grains that keeps its memory when it is emptied.</summary>
internal sealed class GrainList
{
    private Grain[] _grains = [];

    public int Count { get; private set; }

    public Grain this[int index] => _grains[index];

    public ReadOnlySpan<Grain> Span => _grains.AsSpan(0, Count);

    public void Add(Grain grain)
    {
        if (Count == _grains.Length)
        {
            Array.Resize(ref _grains, Math.Max(64, Count * 2));
        }

        _grains[Count++] = grain;
    }

    public void Clear()
    {
        Array.Clear(_grains, 0, Count);
        Count = 0;
    }
}

namespace OrleansStreaming.Core;

/// <summary>Grains that come out in the order in which they went in. As that was some time ago, those that come out next are fetched ahead.</summary>
internal sealed class GrainQueue
{
    private const int Ahead = 8;
    private Grain?[] _grains = new Grain?[64];
    private int _first;

    public int Count { get; private set; }

    public void Enqueue(Grain grain)
    {
        if (Count == _grains.Length)
        {
            Grow();
        }

        _grains[(_first + Count++) & (_grains.Length - 1)] = grain;
    }

    /// <summary>Takes the first; there must be one.</summary>
    public Grain Dequeue()
    {
        Grain?[] grains = _grains;
        Grain grain = grains[_first]!;
        grains[_first] = null;
        _first = (_first + 1) & (grains.Length - 1);
        if (--Count > Ahead)
        {
            Memory.Prefetch(grains[(_first + Ahead) & (grains.Length - 1)]!, Grain.TouchedBytes);
        }

        return grain;
    }

    private void Grow()
    {
        var larger = new Grain?[_grains.Length * 2];
        _grains.AsSpan(_first).CopyTo(larger);
        _grains.AsSpan(0, _first).CopyTo(larger.AsSpan(_grains.Length - _first));
        (_grains, _first) = (larger, 0);
    }
}

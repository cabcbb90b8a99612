namespace OrleansStreaming.Benchmarks;

/// <summary>Keys drawn ahead of time, so that drawing them costs nothing while something is measured. Repeats after <see cref="Length"/>.</summary>
internal sealed class KeySequence
{
    public const int Length = 1 << 22;
    private readonly int[] _keys = new int[Length];

    private KeySequence(int keys) => Keys = keys;

    /// <summary>Keys go from 0 to below this.</summary>
    public int Keys { get; }

    public int this[long number] => _keys[number & (Length - 1)];

    /// <summary>Every key equally often.</summary>
    public static KeySequence Uniform(int keys, int seed)
    {
        KeySequence sequence = new(keys);
        var random = new Random(seed);
        foreach (ref int key in sequence._keys.AsSpan())
        {
            key = random.Next(keys);
        }

        return sequence;
    }

    /// <summary>The k-th most frequent key comes in proportion to 1/k.</summary>
    public static KeySequence Zipf(int keys, int seed)
    {
        double[] sums = new double[keys];
        double sum = 0;
        for (int i = 0; i < keys; i++)
        {
            sums[i] = sum += 1.0 / (i + 1);
        }

        // The frequent keys must not be neighbours.
        var random = new Random(seed);
        int[] ranked = [.. Enumerable.Range(0, keys)];
        random.Shuffle(ranked);
        KeySequence sequence = new(keys);
        foreach (ref int key in sequence._keys.AsSpan())
        {
            int rank = Array.BinarySearch(sums, random.NextDouble() * sum);
            key = ranked[rank < 0 ? Math.Min(~rank, keys - 1) : rank];
        }

        return sequence;
    }
}

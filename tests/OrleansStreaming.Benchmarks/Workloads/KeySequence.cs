namespace OrleansStreaming.Benchmarks;

/// <summary>Keys drawn ahead of time, so that drawing them costs nothing while something is measured. Repeats after <see cref="Length"/>.</summary>
internal sealed class KeySequence
{
    public const int Length = 1 << 22;
    private readonly int[] _keys = new int[Length];

    private KeySequence(int keys) => Keys = keys;

    /// <summary>Keys go from 0 to below this.</summary>
    public int Keys { get; }

    /// <summary>The key of an event. Of the first events every one has another key, until all keys have come.</summary>
    public long First(long number) => number < Keys ? number : _keys[number & (Length - 1)];

    /// <summary>Its key behind the next hop: drawn alike, from another place.</summary>
    public long Second(long number) => number < Keys ? Keys - 1 - number : _keys[(number + (Length / 3)) & (Length - 1)];

    /// <summary>Draws keys.</summary>
    /// <param name="distribution"><c>uniform</c> or <c>zipf</c>.</param>
    /// <param name="keys">How many different ones.</param>
    /// <param name="seed">The same seed draws the same keys.</param>
    public static KeySequence Draw(string distribution, int keys, int seed) => distribution == "zipf" ? Zipf(keys, seed) : Uniform(keys, seed);

    /// <summary>Every key equally often.</summary>
    private static KeySequence Uniform(int keys, int seed)
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
    private static KeySequence Zipf(int keys, int seed)
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

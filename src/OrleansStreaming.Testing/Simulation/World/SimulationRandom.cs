namespace OrleansStreaming.Testing.Simulation;

/// <summary>SplitMix64: small, fast, and the same everywhere.</summary>
internal sealed class SimulationRandom(ulong seed)
{
    private ulong _state = seed;

    /// <summary>Numbers drawn so far, for the digest.</summary>
    public ulong State => _state;

    public ulong Next() => Mix(_state += 0x9E3779B97F4A7C15);

    /// <summary>From 0 to below the limit.</summary>
    public int Below(int limit) => (int)(Next() % (ulong)limit);

    /// <summary>From low to high, both included.</summary>
    public int Between(int low, int high) => low + Below(high - low + 1);

    /// <summary>True with a chance of so many in a thousand.</summary>
    public bool Chance(int perMille) => Below(1000) < perMille;

    public T Pick<T>(params T[] from) => from[Below(from.Length)];

    public T PickFrom<T>(IReadOnlyList<T> from) => from[Below(from.Count)];

    public static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }

    public static ulong Mix(ulong a, ulong b) => Mix((a * 0x9E3779B97F4A7C15) + b + 0x632BE59BD9B4E019);
}

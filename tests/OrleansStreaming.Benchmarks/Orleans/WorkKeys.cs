namespace OrleansStreaming.Benchmarks;

/// <summary>The keys of events. Of the first events every one has another key, until all keys have come.</summary>
/// <param name="Count">Different ones.</param>
/// <param name="InTurn">
/// Whether that goes on, so that of all keys the one comes next that has not come for longest: where not all fit in memory it is never
/// there. Else each is as likely as any other.
/// </param>
internal readonly record struct WorkKeys(int Count, bool InTurn)
{
    /// <summary>The key of the number-th event.</summary>
    public long Of(long number) => (long)((InTurn || number < Count ? (ulong)number * 0x9E3779B1 : Mixed((ulong)number)) % (ulong)Count);

    /// <summary>The finalizer of SplitMix64 (Steele, Lea and Flood 2014).</summary>
    private static ulong Mixed(ulong number)
    {
        ulong z = (number + 1) * 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}

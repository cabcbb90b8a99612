namespace OrleansStreaming.Benchmarks;

/// <summary>The keys of events. Of the first events every one has another key, until all keys have come.</summary>
/// <param name="count">Different ones.</param>
/// <param name="inTurn">
/// Whether that goes on, so that of all keys the one comes next that has not come for longest: where not all fit in memory it is never
/// there. Else each is as likely as any other.
/// </param>
/// <param name="seed">What they are drawn from.</param>
internal sealed class WorkKeys(int count, bool inTurn, int seed)
{
    private readonly KeySequence? _drawn = inTurn ? null : KeySequence.Draw("uniform", count, seed);

    public int Count => count;

    public bool InTurn => inTurn;

    /// <summary>The key of the number-th event.</summary>
    public long Of(long number) => _drawn?.First(number) ?? (long)((ulong)number * 0x9E3779B1 % (ulong)count);
}

using OrleansStreaming.Testing.Simulation;

namespace OrleansStreaming.Testing;

/// <summary>What came of a simulated schedule.</summary>
public sealed class SimulationResult
{
    private readonly Func<IReadOnlyList<string>> _trace;

    internal SimulationResult(long seed, SimulationException? failure, ulong digest, Totals counted, Func<IReadOnlyList<string>> trace)
    {
        Seed = seed;
        Invariant = failure?.Invariant;
        Message = failure?.Message;
        Digest = digest;
        Counted = counted;
        _trace = trace;
    }

    /// <summary>The seed that was run.</summary>
    public long Seed { get; }

    /// <summary>All that must hold has held.</summary>
    public bool Passed => Invariant is null;

    /// <summary>
    /// What did not hold, or null: <c>I1</c> to <c>I9</c> as in the documentation of the protocol, <c>determinism</c> when an
    /// operator does not do the same when it is given the same, <c>limit</c> when an operator does what a simulation cannot run.
    /// </summary>
    public string? Invariant { get; }

    /// <summary>What happened instead, or null.</summary>
    public string? Message { get; }

    /// <summary>The same whenever the same schedule runs.</summary>
    public ulong Digest { get; }

    /// <summary>How often what happened: turns, rollbacks, and each kind of fault, by name.</summary>
    public IReadOnlyDictionary<string, long> Totals => field ??= Counted.Work().Concat(Counted.Faults().Select(f => (f.Kind.ToString(), f.Count))).ToDictionary(t => t.Item1, t => t.Item2);

    /// <summary>
    /// All that happened, a line per event. Made by running the schedule once more when it is first asked for; of an operator
    /// that is not deterministic it may show another run.
    /// </summary>
    public IReadOnlyList<string> Trace => field ??= _trace();

    internal Totals Counted { get; }

    /// <summary>For tests.</summary>
    /// <exception cref="InvalidOperationException">Something did not hold: says what, and the seed.</exception>
    public void ThrowIfFailed()
    {
        if (!Passed)
        {
            throw new InvalidOperationException(ToString());
        }
    }

    /// <inheritdoc/>
    public override string ToString() => Passed ? $"seed {Seed}: passed" : $"seed {Seed}: {Invariant}: {Message}";

    internal SimulationResult WithTotals(Totals totals) => new(Seed, null, Digest, totals, _trace);
}

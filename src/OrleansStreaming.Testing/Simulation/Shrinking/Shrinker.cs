using System.Diagnostics;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>
/// Makes a failing schedule smaller as long as it fails in the same way: fewer steps, silos, keys and events, then without
/// whole kinds of faults, then without single ones. Greedy: the result is small, not the smallest.
/// </summary>
internal sealed class Shrinker(ulong seed, NamedScenario scenario, string invariant, TimeSpan limit)
{
    private static readonly TimeSpan RunLimit = TimeSpan.FromSeconds(20);
    private readonly Stopwatch _watch = Stopwatch.StartNew();

    /// <summary>The smallest version so far.</summary>
    public Reduction Best { get; private set; } = Reduction.None;

    /// <summary>How it fails.</summary>
    public SimulationException? Failure { get; private set; }

    /// <summary>Runs that were tried.</summary>
    public int Tried { get; private set; }

    /// <summary>Actions with faults, and faults, in the smallest version.</summary>
    public (long Steps, long Faults) Size { get; private set; }

    /// <summary>Shrinks what is given as far as time allows.</summary>
    /// <returns>False when the schedule does not fail at all, or otherwise.</returns>
    public bool Run(Reduction start)
    {
        if (!Fails(start))
        {
            return false;
        }

        Reduction before;
        do
        {
            before = Best;
            ShrinkSteps();
            ShrinkNumbers();
            RemoveKinds();
            RemoveSingles();
        }
        while (Best != before && InTime);
        return true;
    }

    private bool InTime => _watch.Elapsed < limit;

    /// <summary>Tries a version; keeps it when it fails as it should.</summary>
    private bool Fails(Reduction reduction)
    {
        Tried++;
        var world = new SimulatedWorld(seed, scenario, null, reduction);
        if (world.Run(RunLimit) is not { } failure || failure.Invariant != invariant)
        {
            return false;
        }

        Best = reduction;
        Failure = failure;
        Size = (Math.Min(world.Totals.Steps, reduction.Steps ?? world.Scenario.Steps), world.Totals.Faults().Sum(f => f.Count));
        return true;
    }

    /// <summary>What happens after the failure is of no use; then by halves.</summary>
    private void ShrinkSteps()
    {
        int steps = (int)Size.Steps;
        if (Best.Steps is null || steps < Best.Steps)
        {
            Fails(Best with { Steps = steps });
        }

        for (int cut = steps / 2; cut > 0 && InTime; cut /= 2)
        {
            while (InTime && Best.Steps is { } now && now > cut && Fails(Best with { Steps = now - cut }))
            {
            }
        }
    }

    private void ShrinkNumbers()
    {
        var world = new SimulatedWorld(seed, scenario, null, Best);
        FirstThatFails(1, world.Scenario.Silos, n => Best with { Silos = n });
        if (world.Scenario.Workload is SimulatedWorkload simulated)
        {
            FirstThatFails(1, simulated.Keys, n => Best with { Keys = n });
        }

        for (int events = world.Scenario.Rates.MaxIngests / 2; events > 0 && InTime; events /= 2)
        {
            if (!Fails(Best with { Events = events }))
            {
                break;
            }
        }
    }

    private void FirstThatFails(int from, int below, Func<int, Reduction> version)
    {
        for (int n = from; n < below && InTime; n++)
        {
            if (Fails(version(n)))
            {
                return;
            }
        }
    }

    private void RemoveKinds()
    {
        foreach (FaultKind kind in Enum.GetValues<FaultKind>())
        {
            if (InTime && !Best.Without.Contains(kind))
            {
                Reduction without = Best with { Without = new HashSet<FaultKind>(Best.Without) { kind } };
                if (Happens(kind))
                {
                    Fails(without);
                }
            }
        }
    }

    private bool Happens(FaultKind kind)
    {
        var world = new SimulatedWorld(seed, scenario, null, Best);
        world.Run(RunLimit);
        return world.Totals.Faults().Any(f => f.Kind == kind && f.Count > 0);
    }

    /// <summary>Silences faults by number, in ever smaller groups.</summary>
    private void RemoveSingles()
    {
        var world = new SimulatedWorld(seed, scenario, null, Best);
        world.Run(RunLimit);
        int count = world.Faults.Numbered;
        for (int size = Math.Max(1, count / 2); InTime; size /= 2)
        {
            for (int from = 0; from < count && InTime; from += size)
            {
                int[] group = [.. Enumerable.Range(from, Math.Min(size, count - from)).Where(n => !Best.Skip.Contains(n))];
                if (group.Length > 0)
                {
                    Fails(Best with { Skip = Best.Skip.Union(group).ToHashSet() });
                }
            }

            if (size <= 1)
            {
                return;
            }
        }
    }
}

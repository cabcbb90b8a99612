using System.Globalization;
using OrleansStreaming.Testing.Simulation;

/// <summary>One seed of a run.</summary>
internal sealed record SeedTask(NamedScenario Scenario, ulong Seed);

/// <summary>A seed that failed.</summary>
internal sealed record FailedSeed(NamedScenario Scenario, ulong Seed, SimulationException Failure);

/// <summary>Runs many seeds on all processors and says what came of them.</summary>
internal sealed class SeedRun(Options options)
{
    private const int StackBytes = 16 << 20;
    private const int MostShrunk = 3;
    private static readonly TimeSpan SeedLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan ShrinkLimit = TimeSpan.FromSeconds(30);
    private readonly Lock _gate = new();
    private readonly Totals _totals = new();
    private readonly List<FailedSeed> _failures = [];
    private long _passed;
    private ulong _digest;

    /// <summary>Runs seeds until there are no more. The exit code.</summary>
    /// <param name="label">What the last line begins with.</param>
    /// <param name="tasks">The seeds.</param>
    /// <param name="count">How many there are, for the progress.</param>
    /// <param name="mustHaveAllFaults">Every kind of fault must come up at least once.</param>
    public int Run(string label, IEnumerable<SeedTask> tasks, ulong count, bool mustHaveAllFaults)
    {
        TimeSpan elapsed;
        using (var progress = new Progress(count, options.Minutes))
        using (IEnumerator<SeedTask> next = tasks.GetEnumerator())
        {
            Thread[] workers = [.. Enumerable.Range(0, options.Threads).Select(_ => new Thread(() => Work(next, progress), StackBytes))];
            Array.ForEach(workers, w => w.Start());
            Array.ForEach(workers, w => w.Join());
            elapsed = progress.Elapsed;
        }

        bool complete = Report(label, elapsed, mustHaveAllFaults);
        Shrink();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{label}: {_passed} passed, {_failures.Count} failed"));
        return _failures.Count == 0 && complete ? 0 : 1;
    }

    private void Work(IEnumerator<SeedTask> tasks, Progress progress)
    {
        while (true)
        {
            SeedTask task;
            lock (_gate)
            {
                progress.Tell(_passed + _failures.Count, _failures.Count);
                if ((options.First && _failures.Count > 0) || (options.Minutes > 0 && progress.Elapsed.TotalMinutes >= options.Minutes) || !tasks.MoveNext())
                {
                    return;
                }

                task = tasks.Current;
            }

            var world = new SimulatedWorld(task.Seed, task.Scenario);
            SimulationException? failure = world.Run(SeedLimit);
            lock (_gate)
            {
                Take(task, world, failure, progress);
            }
        }
    }

    private void Take(SeedTask task, SimulatedWorld world, SimulationException? failure, Progress progress)
    {
        _totals.Add(world.Totals);
        _digest ^= SimulationRandom.Mix(world.Digest, task.Seed);
        if (options.Digests)
        {
            Console.WriteLine($"seed {task.Seed} digest {world.Digest:x16}");
        }

        if (failure is null)
        {
            _passed++;
            return;
        }

        _failures.Add(new FailedSeed(task.Scenario, task.Seed, failure));
        progress.Clear();
        Console.WriteLine($"{options.Replay(task.Seed, task.Scenario)}    {Short(failure)}");
    }

    /// <summary>What happened in all. False when a kind of fault never came up.</summary>
    private bool Report(string label, TimeSpan elapsed, bool mustHaveAllFaults)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{elapsed.TotalSeconds:F0} s, digest {_digest:x16}, {_totals.SimulatedMs / 3_600_000.0:F2} simulated hours"));
        Console.WriteLine($"work: {string.Join(", ", _totals.Work().Select(t => $"{t.Name} {t.Value}"))}");
        Console.WriteLine($"faults: {string.Join(", ", _totals.Faults().Select(f => $"{f.Kind} {f.Count}"))}");
        foreach (IGrouping<string, FailedSeed> kind in _failures.GroupBy(f => f.Failure.Invariant).OrderBy(g => g.Key))
        {
            Console.WriteLine($"{kind.Key}: {kind.Count()}");
        }

        FaultKind[] never = [.. _totals.Faults().Where(f => f.Count == 0).Select(f => f.Kind)];
        if (never.Length > 0 && mustHaveAllFaults)
        {
            Console.WriteLine($"{label}: these faults never happened, so that nothing is known about them: {string.Join(", ", never)}");
            return false;
        }

        return true;
    }

    private void Shrink()
    {
        foreach (FailedSeed failed in _failures.OrderBy(f => f.Seed).Take(MostShrunk))
        {
            var shrinker = new Shrinker(failed.Seed, failed.Scenario, failed.Failure.Invariant, ShrinkLimit);
            if (shrinker.Run(Reduction.None))
            {
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"smaller, with {shrinker.Size.Steps} steps and {shrinker.Size.Faults} faults: {options.Replay(failed.Seed, failed.Scenario, shrinker.Best)}"));
            }
        }
    }

    private static string Short(SimulationException failure)
    {
        string message = failure.Message.ReplaceLineEndings(" ");
        return $"{failure.Invariant}: {(message.Length > 400 ? message[..400] : message)}";
    }
}

using System.Collections.Concurrent;
using System.Diagnostics;
using OrleansStreaming.Testing.Simulation;

/// <summary>Runs small schedules with a crash at every step, and with crashes at every pair of steps.</summary>
internal static class Exhaust
{
    /// <summary>Scenarios whose pairs are run where time is short.</summary>
    private static readonly string[] Smallest = ["one-event"];

    /// <summary>Rules without which a crash at some step does harm, and where: exhaustion must find each, or it finds nothing.</summary>
    private static readonly (string Mutant, string Scenario)[] Known =
        [("AcknowledgeEarly", "one-event"), ("AnswerEarly", "two-events"), ("CommitUnsent", "checkpoint"), ("ReleaseUnstable", "sink")];

    /// <summary>Runs all scenarios: with every single crash, and with pairs: all that there are of those that are small, or a sample of all that there are of each.</summary>
    /// <param name="everything">Of each.</param>
    /// <param name="minutes">How long the sample may take for all of them together; 0 for all pairs, however long that takes.</param>
    /// <param name="start">Which sample.</param>
    public static async Task<int> RunAllAsync(bool everything, double minutes, ulong start)
    {
        int passed = 0, failed = 0;
        TimeSpan? limit = minutes > 0 ? TimeSpan.FromMinutes(minutes / ExhaustionCatalog.All.Count) : null;
        foreach (ExhaustionScenario scenario in ExhaustionCatalog.All)
        {
            PairSample? pairs = everything ? new PairSample(true, start) : Smallest.Contains(scenario.Name) ? new PairSample(false, 0) : null;
            Report(scenario, pairs, limit, ref passed, ref failed);
        }

        foreach ((string mutant, string scenario) in Known)
        {
            string? found = await FindAsync(mutant, ExhaustionCatalog.Find(scenario)!);
            Console.WriteLine($"mutant {mutant}: {(found is null ? "NOT FOUND" : $"shown by {found}")}");
            passed += found is null ? 0 : 1;
            failed += found is null ? 1 : 0;
        }

        Console.WriteLine($"seeds: {passed} passed, {failed} failed");
        return failed == 0 ? 0 : 1;
    }

    /// <summary>Breaks each rule in turn, and says which single crash shows it. Not every rule matters to schedules this small.</summary>
    public static Task<int> RunMutantsAsync(IReadOnlyList<ExhaustionScenario> scenarios) => Mutants.EachAsync(async mutant =>
    {
        string? found = null;
        foreach (ExhaustionScenario scenario in scenarios)
        {
            found ??= await FindAsync(mutant.Name, scenario);
        }

        return found;
    });

    /// <summary>Runs one scenario with no crash and with all single crashes, until one fails.</summary>
    /// <param name="scenario">The scenario.</param>
    /// <param name="options">What else the command takes to repeat it.</param>
    public static int RunUntilFailure(ExhaustionScenario scenario, string options)
    {
        ExhaustionRun plain = scenario.Run(CrashPlan.None);
        ExhaustionRun? shown = plain.Failure is null ? Run(scenario, Singles(plain), untilFailure: true).Find(r => r.Failure is not null) : plain;
        if (shown is not null)
        {
            Console.WriteLine(FoundFailure.Line($"--exhaust {scenario.Name} --crash {shown.Plan}{options}", shown.Failure!.Invariant, shown.Failure.Message));
        }

        Console.WriteLine($"seeds: {(shown is null ? 1 : 0)} passed, {(shown is null ? 0 : 1)} failed");
        return shown is null ? 0 : 1;
    }

    /// <summary>Runs one scenario with all single crashes and all pairs.</summary>
    public static int RunOne(ExhaustionScenario scenario)
    {
        int passed = 0, failed = 0;
        Report(scenario, new PairSample(true, 0), limit: null, ref passed, ref failed);
        Console.WriteLine($"seeds: {passed} passed, {failed} failed");
        return failed == 0 ? 0 : 1;
    }

    /// <summary>Repeats one run, and prints what happens.</summary>
    public static int Replay(ExhaustionScenario scenario, CrashPlan plan)
    {
        ExhaustionRun run = scenario.Run(plan, Console.WriteLine);
        Console.WriteLine($"{run.Steps} steps, {run.Crashes} crashes, digest {run.Digest:x16}");
        Console.WriteLine(run.Failure is null ? "seeds: 1 passed, 0 failed" : $"{run.Failure.Invariant}: {run.Failure.Message}\nseeds: 0 passed, 1 failed");
        return run.Failure is null ? 0 : 1;
    }

    private static void Report(ExhaustionScenario scenario, PairSample? sample, TimeSpan? limit, ref int passed, ref int failed)
    {
        var watch = Stopwatch.StartNew();
        ExhaustionRun plain = scenario.Run(CrashPlan.None);
        List<ExhaustionRun> singles = plain.Failure is null ? Run(scenario, Singles(plain)) : [];
        sample?.Of(singles);
        List<ExhaustionRun> both = sample is null ? [] : Run(scenario, sample.TakeWhile(_ => limit is null || watch.Elapsed < limit));
        List<ExhaustionRun> failures = [.. new[] { plain }.Concat(singles).Concat(both).Where(r => r.Failure is not null)];
        Console.WriteLine($"{scenario.Name,-16} {plain.Steps,4} steps, {singles.Count,5} single runs, {both.Count,7} of {sample?.Count ?? 0,7} pairs, {failures.Count} failures, {watch.Elapsed.TotalSeconds:F1} s");
        foreach (ExhaustionRun run in failures.Take(20))
        {
            Console.WriteLine(FoundFailure.Line($"--exhaust {scenario.Name} --crash {run.Plan}", run.Failure!.Invariant, run.Failure.Message));
        }

        failed += failures.Count;
        passed += 1 + singles.Count + both.Count - failures.Count;
    }

    /// <summary>Where a broken rule shows, with one crash or none. Which seed it is, is found out with all rules in force.</summary>
    private static async Task<string?> FindAsync(string mutant, ExhaustionScenario scenario)
    {
        FoundFailure? found = await ChildRun.FirstFailureAsync(
            "--first", "--exhaust", scenario.Name, "--mutant", mutant, "--start", scenario.Seed.ToString(System.Globalization.CultureInfo.InvariantCulture));
        return found is null ? null : $"{found.Run} ({found.Invariant})";
    }

    private static IEnumerable<CrashPlan> Singles(ExhaustionRun plain) =>
        from step in Enumerable.Range(1, plain.Steps)
        from kind in Kinds(plain, step)
        from late in new[] { false, true }
        select new CrashPlan([new CrashPoint(step, kind)], late);

    /// <summary>How a silo can die at a step.</summary>
    public static IEnumerable<CrashKind> Kinds(ExhaustionRun run, int step) =>
        run.Appends.Contains(step) ? Enum.GetValues<CrashKind>() : [CrashKind.Before, CrashKind.After, CrashKind.Other];

    private static List<ExhaustionRun> Run(ExhaustionScenario scenario, IEnumerable<CrashPlan> plans, bool untilFailure = false)
    {
        bool stop = false;
        var runs = new ConcurrentQueue<ExhaustionRun>();
        using IEnumerator<CrashPlan> left = plans.GetEnumerator();
        var gate = new Lock();
        Thread[] workers = [.. Enumerable.Range(0, Environment.ProcessorCount).Select(_ => new Thread(Work, 16 << 20))];
        foreach (Thread worker in workers)
        {
            worker.Start();
        }

        foreach (Thread worker in workers)
        {
            worker.Join();
        }

        return [.. runs.OrderBy(r => r.Plan.Points.FirstOrDefault().Step).ThenBy(r => r.Plan.ToString(), StringComparer.Ordinal)];

        void Work()
        {
            while (!stop && Next() is { } plan)
            {
                ExhaustionRun run = scenario.Run(plan);
                runs.Enqueue(run);
                stop |= untilFailure && run.Failure is not null;
            }
        }

        CrashPlan? Next()
        {
            lock (gate)
            {
                return left.MoveNext() ? left.Current : null;
            }
        }
    }
}

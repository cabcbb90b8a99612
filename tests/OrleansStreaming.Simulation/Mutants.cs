using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

/// <summary>Runs every mutant, each in a process of its own, as the switches are read once: the simulation must notice each.</summary>
internal static class Mutants
{
    private const int AtATime = 2;

    /// <summary>Runs each mutant in the scenario that is to notice it until a seed fails. Prints a line for each, then the totals.</summary>
    /// <param name="seeds">How many seeds a mutant may take.</param>
    /// <param name="start">The first seed.</param>
    /// <returns>The exit code: 0 when all were noticed.</returns>
    public static Task<int> RunAllAsync(ulong seeds, ulong start)
    {
        string last = seeds.ToString(CultureInfo.InvariantCulture), first = start.ToString(CultureInfo.InvariantCulture);
        return EachAsync(async mutant =>
        {
            FoundFailure? found = await ChildRun.FirstFailureAsync(
                "--first", "--threads", "1", "--mutant", mutant.Name, "--scenario", mutant.Scenario, "--seeds", last, "--start", first);
            return found is null ? null : $"{mutant.Scenario} {found.Run["--trace ".Length..]} ({found.Invariant})";
        });
    }

    /// <summary>Looks for each mutant in some way, two at a time.</summary>
    /// <param name="find">Where and by which invariant it was noticed, or null.</param>
    /// <returns>The exit code: 0 when all were noticed.</returns>
    public static async Task<int> EachAsync(Func<Mutant, Task<string?>> find)
    {
        var watch = Stopwatch.StartNew();
        var caught = new ConcurrentBag<Mutant>();
        try
        {
            await Parallel.ForEachAsync(Mutant.All, new ParallelOptions { MaxDegreeOfParallelism = AtATime, CancellationToken = ChildRun.Stopping }, async (mutant, _) =>
            {
                var one = Stopwatch.StartNew();
                string? where = await find(mutant);
                if (where is not null)
                {
                    caught.Add(mutant);
                }

                Console.WriteLine($"{(where is null ? "MISSED" : "caught")} {mutant.Name} [{mutant.Rule}]{(where is null ? "" : $" by {where}")}, {Seconds(one)} s");
            });
        }
        catch (OperationCanceledException)
        {
            Console.WriteLine("stopped");
        }

        string[] rules = [.. Mutant.All.Select(m => m.Rule).Distinct()];
        int noticed = rules.Count(r => Mutant.All.Where(m => m.Rule == r).All(caught.Contains));
        Console.WriteLine($"score: {caught.Count} of {Mutant.All.Count} mutants caught, which is all of {noticed} of {rules.Length} rules and invariants, {Seconds(watch)} s");
        Console.WriteLine($"seeds: {caught.Count} passed, {Mutant.All.Count - caught.Count} failed");
        return caught.Count == Mutant.All.Count ? 0 : 1;
    }

    private static string Seconds(Stopwatch watch) => watch.Elapsed.TotalSeconds.ToString("F0", CultureInfo.InvariantCulture);
}

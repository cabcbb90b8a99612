using System.Globalization;
using OrleansStreaming.Testing.Simulation;

/// <summary>Looks at one seed closely.</summary>
internal static class OneSeed
{
    private const string Legend = """
        legend: simulated ms, then what happens. silo1.2 is the second incarnation of silo1; J3 the journal with number 3; J3:7 its frame (LSN) 7;
                3.12 an offset: ownership epoch 3, number 12; r5 the sixth record that was ever appended; k2 a key; R4 a seal version.
                'silo1.2 <- ...' a message or a batch arrives; 'swap x', 'append to x', 'read x' an operation of storage takes effect; '(gone)' its silo is dead;
                'goes on: x' the silo hears of it; 'took r5' a turn ended; 'fault 9: Kind' the tenth fault, for skip= in --reduce; '===' what does not hold.
        """;

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    /// <summary>Prints all that happens.</summary>
    public static int Trace(Options options, ulong seed)
    {
        Console.WriteLine(Legend);
        var world = new SimulatedWorld(seed, options.Scenario, Console.WriteLine, options.Reduction);
        SimulationException? failure = world.Run(Limit);
        Console.WriteLine($"digest {world.Digest:x16}");
        Console.WriteLine(failure is null ? "seeds: 1 passed, 0 failed" : $"{failure.Invariant}: {failure.Message}\nseeds: 0 passed, 1 failed");
        return failure is null ? 0 : 1;
    }

    /// <summary>Makes a failing schedule smaller. 0 when that succeeded, 1 when the seed does not fail.</summary>
    public static int Shrink(Options options, ulong seed)
    {
        var world = new SimulatedWorld(seed, options.Scenario, null, options.Reduction);
        if (world.Run(Limit) is not { } failure)
        {
            Console.WriteLine($"seed {seed} does not fail");
            return 1;
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{world.Totals.Steps} steps, {world.Totals.Faults().Sum(f => f.Count)} faults: {failure.Invariant}: {failure.Message}"));
        var shrinker = new Shrinker(seed, options.Scenario, failure.Invariant, TimeSpan.FromMinutes(options.Minutes > 0 ? options.Minutes : 2));
        shrinker.Run(options.Reduction);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{shrinker.Size.Steps} steps, {shrinker.Size.Faults} faults after {shrinker.Tried} runs: {shrinker.Failure?.Invariant}: {shrinker.Failure?.Message}"));
        Console.WriteLine(options.Replay(seed, null, shrinker.Best));
        return 0;
    }
}

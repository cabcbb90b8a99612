using System.Diagnostics;
using System.Reflection;
using OrleansStreaming.Core;
using OrleansStreaming.Testing.Simulation;

/// <summary>Breaks one rule at a time: the simulation must notice each.</summary>
internal static class Mutants
{
    private static readonly FieldInfo[] Fields =
        [.. typeof(Mutations).GetFields(BindingFlags.Static | BindingFlags.Public), .. typeof(SimulationMutations).GetFields(BindingFlags.Static | BindingFlags.Public)];

    public static IEnumerable<string> Names => Fields.Select(f => f.Name);

    public static bool Switch(string name, bool on)
    {
        FieldInfo? field = Array.Find(Fields, f => f.Name == name);
        field?.SetValue(null, on);
        return field is not null;
    }

    /// <summary>Runs schedules with each mutant until one fails.</summary>
    public static int RunAll(int seeds, ulong start, int seconds)
    {
        int caught = 0, missed = 0;
        foreach (string name in Names)
        {
            Switch(name, true);
            var watch = Stopwatch.StartNew();
            long next = -1, first = long.MaxValue;
            string what = string.Empty;
            object gate = new();
            Thread[] workers = [.. Enumerable.Range(0, Environment.ProcessorCount).Select(_ => new Thread(Work, 16 << 20))];
            foreach (Thread worker in workers)
            {
                worker.Start();
            }

            foreach (Thread worker in workers)
            {
                worker.Join();
            }

            Switch(name, false);
            bool found = first < long.MaxValue;
            caught += found ? 1 : 0;
            missed += found ? 0 : 1;
            Console.WriteLine($"{(found ? "caught" : "MISSED")} {name} {(found ? $"by seed {(long)start + first} ({what})" : $"in {seeds} seeds")}, {watch.Elapsed.TotalSeconds:F0} s");

            void Work()
            {
                while (true)
                {
                    long current = Interlocked.Increment(ref next);
                    if (current >= seeds || Volatile.Read(ref first) < current)
                    {
                        return;
                    }

                    var world = new SimulatedWorld(start + (ulong)current);
                    if (world.Run(TimeSpan.FromSeconds(seconds)) is { } failure)
                    {
                        lock (gate)
                        {
                            if (current < first)
                            {
                                first = current;
                                string message = failure.Message.ReplaceLineEndings(" ");
                                what = $"{failure.Invariant}: {(message.Length > 100 ? message[..100] : message)}";
                            }
                        }
                    }
                }
            }
        }

        Console.WriteLine($"seeds: {caught} passed, {missed} failed");
        return missed == 0 ? 0 : 1;
    }
}

using System.Globalization;
using OrleansStreaming.Testing.Simulation;

/// <summary>Seeds that have failed once. They run first, always.</summary>
internal static class KeptSeeds
{
    /// <summary>The file of this project.</summary>
    public static string DefaultFile => Path.Combine(AppContext.BaseDirectory, "kept-seeds.txt");

    /// <summary>Reads a file of lines "scenario, seed, generator, why".</summary>
    /// <exception cref="FormatException">Says which line is wrong.</exception>
    public static IReadOnlyList<SeedTask> Read(string file)
    {
        var tasks = new List<SeedTask>();
        int number = 0;
        foreach (string line in File.ReadLines(file))
        {
            number++;
            if (line.Length == 0 || line[0] == '#')
            {
                continue;
            }

            string[] parts = line.Split(',', 4, StringSplitOptions.TrimEntries);
            if (parts.Length < 4 || ScenarioCatalog.Find(parts[0]) is not { } scenario || !ulong.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out ulong seed))
            {
                throw new FormatException($"{file}:{number}: expected 'scenario, seed, generator, why', found '{line}'");
            }

            tasks.Add(new SeedTask(scenario, seed));
        }

        return tasks;
    }
}

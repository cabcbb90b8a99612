namespace OrleansStreaming.Testing.Simulation;

/// <summary>A kind of schedule that can be asked for by name.</summary>
/// <param name="Name">In lower case, with hyphens.</param>
/// <param name="Description">What it exercises, in one line.</param>
/// <param name="Draw">Draws one from a seed's random numbers.</param>
internal sealed record NamedScenario(string Name, string Description, Func<SimulationRandom, Scenario> Draw);

/// <summary>All kinds of schedules.</summary>
internal static class ScenarioCatalog
{
    public static NamedScenario Random { get; } = new("random", "any topology under any mix of faults", Scenario.Draw);

    public static IReadOnlyList<NamedScenario> All { get; } = [Random];

    public static NamedScenario? Find(string name) => All.FirstOrDefault(s => s.Name == name);
}

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

    public static IReadOnlyList<NamedScenario> All { get; } =
    [
        Random,
        .. Shapes.All.Keys.Select(shape => new NamedScenario($"shape-{shape}", $"the topology '{shape}' under any mix of faults", random =>
            Scenario.Draw(random, shape, TopologyFeatures.Draw(random), Scenario.AnyMix(random)))),
        .. Enum.GetValues<FaultMix>().Select(mix => new NamedScenario($"mix-{mix.ToString().ToLowerInvariant()}", $"any topology, stressing {mix.ToString().ToLowerInvariant()}", random =>
            Scenario.Draw(random, random.PickFrom(Shapes.All.Keys.ToArray()), TopologyFeatures.Draw(random), mix))),
        DirectedScenarios.Any,
        .. DirectedScenarios.All,
    ];

    public static NamedScenario? Find(string name) => All.FirstOrDefault(s => s.Name == name);
}

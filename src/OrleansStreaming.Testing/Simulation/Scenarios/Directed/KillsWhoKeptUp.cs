using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>
/// Nothing that the target appends is stored for a while. First another silo dies, whose own journal is stored: who takes
/// over reads history that is durable and not yet stable, and sends again what the target has and may lose. Then the target dies.
/// </summary>
internal sealed class KillsWhoKeptUp : EpisodeDirector
{
    protected override IReadOnlyList<int> Lengths { get; } = [200, 500, 200];

    public override bool Holds(SimulatedWorld world, Gate gate) => Phase is 0 or 1 && gate.Owner == Target && IsAppend(gate);

    protected override void Enter(SimulatedWorld world, SimulatedSilo target)
    {
        SimulatedSilo[] others = [.. world.Silos.Where(s => s != target && Serves(s))];
        if (Phase == 1 && others.Length > 0)
        {
            world.Kill(world.Random.PickFrom(others));
        }
        else if (Phase == 2 && target.Runs)
        {
            world.Kill(target);
        }
    }
}

namespace OrleansStreaming.Testing.Simulation;

/// <summary>What the target commits hangs; it dies before any of it has taken effect.</summary>
internal sealed class DiesCommitting : EpisodeDirector
{
    protected override IReadOnlyList<int> Lengths { get; } = [700, 150];

    public override bool Holds(SimulatedWorld world, Gate gate) => Phase == 0 && gate.Owner == Target && IsCommit(gate);

    protected override void Enter(SimulatedWorld world, SimulatedSilo target)
    {
        if (Phase == 1 && target.Runs)
        {
            world.Kill(target);
        }
    }
}

using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>The target is to give its partitions up; while releases of theirs are being written, it is to keep them after all.</summary>
internal sealed class MovesBack : EpisodeDirector
{
    protected override IReadOnlyList<int> Lengths { get; } = [900, 400];

    public override bool Holds(SimulatedWorld world, Gate gate) =>
        Phase >= 0 && gate.Owner == Target && IsCommit(gate) && Target!.Silo.Ownerships.Active.Any(p => p.Move.Phase == MovePhase.Releasing);

    protected override void Enter(SimulatedWorld world, SimulatedSilo target)
    {
        world.Membership.Plan(world.Membership.Names.Where(n => Phase == 1 || n != target.Name));
        world.Membership.Update();
    }
}

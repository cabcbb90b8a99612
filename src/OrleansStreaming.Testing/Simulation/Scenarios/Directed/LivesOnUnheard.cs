using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>The target is taken for dead and does not notice: it hears nothing and its appends hang, while it serves on and others take over.</summary>
internal sealed class LivesOnUnheard : EpisodeDirector
{
    protected override IReadOnlyList<int> Lengths { get; } = [500];

    public override bool Holds(SimulatedWorld world, Gate gate) =>
        Phase >= 0 && gate.Owner == Target && (IsAppend(gate) || gate.What is { Verb: "read", Target: ClusterRecord.RecordName });

    public override bool Holds(SimulatedWorld world, Parcel parcel) => Phase >= 0 && parcel.To == Target!.Journal;

    protected override void Enter(SimulatedWorld world, SimulatedSilo target) => world.DeclareDead(target);
}

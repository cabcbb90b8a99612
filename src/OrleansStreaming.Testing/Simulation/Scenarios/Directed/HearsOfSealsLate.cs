using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>
/// The target dies with much that was not stored, and one of those that had gone on with it does not hear of the seal for a
/// while, whereas others have applied it and send again what they sent before.
/// </summary>
internal sealed class HearsOfSealsLate : EpisodeDirector
{
    private SimulatedSilo? _laggard;

    protected override IReadOnlyList<int> Lengths { get; } = [250, 1000];

    public override bool Holds(SimulatedWorld world, Gate gate) =>
        (Phase == 0 && gate.Owner == Target && IsAppend(gate))
        || (Phase == 1 && gate.Owner == _laggard && gate.What is { Verb: "read", Target: ClusterRecord.RecordName });

    public override bool Holds(SimulatedWorld world, Parcel parcel) =>
        Phase == 1 && parcel.Message is SealsMessage && parcel.To == _laggard?.Journal;

    // The first by name seals.
    protected override bool Suits(SimulatedWorld world, SimulatedSilo silo) =>
        world.Silos.Count(Serves) > 2 && silo != Last(world);

    protected override void Enter(SimulatedWorld world, SimulatedSilo target)
    {
        if (Phase == 0)
        {
            _laggard = Last(world);
        }
        else if (target.Runs)
        {
            world.Kill(target);
        }
    }

    private static SimulatedSilo? Last(SimulatedWorld world) => world.Silos.Where(Serves).MaxBy(s => s.Number);
}

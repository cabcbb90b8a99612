using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>What the target acknowledges stays on its way until it is dead and others own what it owned.</summary>
internal sealed class AcknowledgesLate : EpisodeDirector
{
    private int _journal;

    protected override IReadOnlyList<int> Lengths { get; } = [150, 250];

    public override bool Holds(SimulatedWorld world, Parcel parcel) => Phase >= 0 && parcel.Message is AckMessage && parcel.Message.From == _journal;

    protected override void Enter(SimulatedWorld world, SimulatedSilo target)
    {
        _journal = target.Journal;
        if (Phase == 1 && target.Runs)
        {
            world.Kill(target);
        }
    }
}

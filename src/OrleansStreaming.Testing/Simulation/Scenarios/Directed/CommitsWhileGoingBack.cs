using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>
/// Checkpoints are being committed while what their grains took since is lost: the grains go back behind them, and send
/// again, on slow ways, what the checkpoints cover.
/// </summary>
internal sealed class CommitsWhileGoingBack : EpisodeDirector
{
    protected override IReadOnlyList<int> Lengths { get; } = [500, 600, 900];

    public override bool Holds(SimulatedWorld world, Gate gate) =>
        (Phase == 0 && gate.Owner == Target && IsAppend(gate)) || (Phase is 0 or 1 && gate.Owner != Target && IsCommit(gate));

    public override bool Holds(SimulatedWorld world, Parcel parcel) =>
        Phase >= 1 && parcel.Message is DataMessage { Flagged: true, Floor: null };

    protected override void Enter(SimulatedWorld world, SimulatedSilo target)
    {
        if (Phase == 1 && target.Runs)
        {
            world.Kill(target);
        }
    }
}

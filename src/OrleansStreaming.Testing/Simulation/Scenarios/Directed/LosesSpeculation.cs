using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>
/// Nothing that the target appends is stored while others go on with what it sends; then it dies, and all that depends on
/// it is lost. What others send on arrives only after the seal, at times.
/// </summary>
/// <param name="turnsWait">Turns run until the seal is applied.</param>
internal sealed class LosesSpeculation(bool turnsWait) : EpisodeDirector
{
    private bool _sendsWait;
    private int _lost = -1;

    protected override IReadOnlyList<int> Lengths { get; } = [300, 500];

    public override bool Holds(SimulatedWorld world, Gate gate) =>
        Phase >= 0 && ((Phase == 0 && gate.Owner == Target && IsAppend(gate)) || (turnsWait && gate.Kind == GateKind.Turn && gate.Owner != Target));

    public override bool Holds(SimulatedWorld world, Parcel parcel) =>
        Phase >= 0 && _sendsWait && parcel.Message.From != _lost && DependsOn(parcel, _lost);

    protected override void Enter(SimulatedWorld world, SimulatedSilo target)
    {
        if (Phase == 0)
        {
            _lost = target.Journal;
            _sendsWait = !turnsWait && world.Random.Chance(500);
        }
        else if (target.Runs)
        {
            world.Kill(target);
        }
    }
}

using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>
/// The target is to give its partitions up while its sends hang in the network, or its turns go on: a move has to wait for
/// the former, and the latter must not take effect afterwards.
/// </summary>
/// <param name="turnsWait">Turns go on; otherwise sends hang.</param>
internal sealed class MovesWithLooseEnds(bool turnsWait) : EpisodeDirector
{
    private const long BeforeTurnsStop = 2500;
    private long _sinceMs;

    protected override IReadOnlyList<int> Lengths { get; } = turnsWait ? [1500] : [900];

    public override bool Holds(SimulatedWorld world, Gate gate) => Phase >= 0 && turnsWait && gate.Owner == Target && gate.Kind == GateKind.Turn;

    // Earlier than that, sends must arrive: the checkpoint that a move begins with waits for them.
    public override bool Holds(SimulatedWorld world, Parcel parcel) =>
        Phase >= 0 && !turnsWait && parcel.Message is DataMessage && parcel.Message.From == Target!.Journal && world.NowMs - _sinceMs > BeforeTurnsStop;

    protected override void Enter(SimulatedWorld world, SimulatedSilo target)
    {
        _sinceMs = world.NowMs;
        world.Membership.Plan(world.Membership.Names.Where(n => n != target.Name));
        world.Membership.Update();
    }
}

namespace OrleansStreaming.Testing.Simulation;

/// <summary>What the target writes to sinks hangs; it dies, others write, and then its writes arrive.</summary>
internal sealed class WritesToSinksLate : EpisodeDirector
{
    private SimulatedSilo? _writer;

    protected override IReadOnlyList<int> Lengths { get; } = [100, 600];

    public override bool Holds(SimulatedWorld world, Gate gate) => Phase >= 0 && gate.Owner == _writer && gate.Kind == GateKind.Sink;

    protected override void Enter(SimulatedWorld world, SimulatedSilo target)
    {
        _writer = target;
        if (Phase == 1 && target.Runs)
        {
            world.Kill(target);
        }
    }
}

namespace OrleansStreaming.Testing.Simulation;

/// <summary>What an owner has given up to write into a manifest hangs until the owner is dead, whatever it has written since.</summary>
internal sealed class SwapsLate : Director
{
    public override bool Holds(SimulatedWorld world, Gate gate) => gate.Late && gate.Owner.Runs;
}

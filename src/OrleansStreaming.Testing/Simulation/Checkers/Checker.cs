namespace OrleansStreaming.Testing.Simulation;

/// <summary>Watches over one invariant. What breaks it ends the run with the invariant's name.</summary>
internal abstract class Checker(Oracle oracle, string invariant)
{
    protected Oracle Oracle => oracle;

    protected SimulatedWorld World => oracle.World;

    protected void Fail(string message) => oracle.World.Fail(invariant, message);
}

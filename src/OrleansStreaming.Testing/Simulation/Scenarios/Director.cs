namespace OrleansStreaming.Testing.Simulation;

/// <summary>
/// Takes the place of chance where a scenario is to go a certain way: asked while faults happen, never while the world
/// settles. What it leaves alone, chance decides. One instance per run; called from the one thread of the world.
/// </summary>
internal abstract class Director
{
    /// <summary>Whether the phase with faults is over, though actions are left.</summary>
    public virtual bool IsDone(SimulatedWorld world) => false;

    /// <summary>Before each action of the phase with faults. True when it acted in chance's place.</summary>
    public virtual bool Act(SimulatedWorld world) => false;

    /// <summary>Whether an operation on storage, a sink, a call or a turn has to wait on, though chance would let it pass.</summary>
    public virtual bool Holds(SimulatedWorld world, Gate gate) => false;

    /// <summary>Whether a message has to wait on.</summary>
    public virtual bool Holds(SimulatedWorld world, Parcel parcel) => false;

    /// <summary>Whether a turn throws, of an operator that never leaves an event out. Asked once per attempt.</summary>
    public virtual bool Throws(SimulatedSilo silo, SimulatedOperator op, ulong eventId) => false;

    /// <summary>Whether a silo dies now, in the middle of what it does, before a call of its ports takes effect.</summary>
    /// <param name="world">The world.</param>
    /// <param name="silo">The silo.</param>
    /// <param name="call">The port and what is asked of it, such as "submit swap partitions/in-0" or "send DataMessage".</param>
    public virtual bool Kills(SimulatedWorld world, SimulatedSilo silo, string call) => false;
}

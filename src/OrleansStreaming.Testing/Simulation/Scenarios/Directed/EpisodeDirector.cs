using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>
/// Makes trouble around one silo, the target, in episodes: each goes through some phases of a drawn number of actions, and
/// after a calm time the next one begins with another target.
/// </summary>
internal abstract class EpisodeDirector : Director
{
    private const int Calm = -1;
    private int _left;

    /// <summary>The phase of the episode, from 0; below 0 between episodes.</summary>
    protected int Phase { get; private set; } = Calm;

    /// <summary>Who the episode is about; dead, perhaps, in its later phases.</summary>
    protected SimulatedSilo? Target { get; private set; }

    /// <summary>The longest that each phase lasts, in actions.</summary>
    protected abstract IReadOnlyList<int> Lengths { get; }

    public sealed override bool Act(SimulatedWorld world)
    {
        if (_left-- > 0)
        {
            return false;
        }

        if (Phase == Calm && !Begin(world))
        {
            _left = 20;
            return false;
        }

        Phase = Phase + 1 < Lengths.Count ? Phase + 1 : Calm;
        int longest = Phase == Calm ? 150 : Lengths[Phase];
        _left = world.Random.Between(longest / 3, longest);
        Target = Phase == Calm ? null : Target;
        world.Trace($"director: {(Phase == Calm ? "calm" : $"phase {Phase} of {Target!.Label}")}");
        if (Phase != Calm)
        {
            Enter(world, Target!);
        }

        return true;
    }

    /// <summary>Whether a silo can be the target. All that serve and are taken to live, unless said otherwise.</summary>
    protected virtual bool Suits(SimulatedWorld world, SimulatedSilo silo) => true;

    /// <summary>A phase begins.</summary>
    protected virtual void Enter(SimulatedWorld world, SimulatedSilo target)
    {
    }

    /// <summary>The phase has brought about what it is for.</summary>
    protected void EndPhase() => _left = 0;

    protected static bool Serves(SimulatedSilo silo) =>
        silo is { Runs: true, DeclaredDead: false, ShuttingDown: false, Journal: >= 0 } && silo.Silo.Phase == SiloPhase.Running;

    protected static bool IsAppend(Gate gate) => gate.Kind is GateKind.Append or GateKind.Confirm;

    internal static bool IsCommit(Gate gate) => gate.What.Verb == "swap" && gate.What.Target != ClusterRecord.RecordName;

    /// <summary>Whether a message carries something that depends on a journal.</summary>
    protected static bool DependsOn(Parcel parcel, int journal) =>
        parcel.Message is DataMessage data && Array.Exists(data.Slots, s => s.Vector?[journal] > 0);

    private bool Begin(SimulatedWorld world)
    {
        SimulatedSilo[] serving = [.. world.Silos.Where(Serves)];
        SimulatedSilo[] suited = [.. serving.Where(s => Suits(world, s))];
        if (serving.Length < Math.Min(2, world.Scenario.Silos) || suited.Length == 0)
        {
            return false;
        }

        Target = world.Random.PickFrom(suited);
        return true;
    }
}

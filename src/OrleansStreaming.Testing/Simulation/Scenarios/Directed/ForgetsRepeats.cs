using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>
/// From when the target has copied grains for a checkpoint, each of its turns throws that has not gone well before: its grains
/// go back and send again what is about to be committed. No acknowledgement of that reaches it. Then the commit takes effect;
/// and as soon as a receiver of the repeats has stored which names it still has to know, it dies.
/// </summary>
internal sealed class ForgetsRepeats : EpisodeDirector
{
    // The phases, by what they wait for.
    private const int Copy = 0, Commit = 1, Repeats = 2, Floor = 3, Names = 4, Successor = 5;

    private readonly HashSet<(int Slot, ulong Event)> _wentWell = [];

    /// <summary>The partition whose grains were copied.</summary>
    private string? _partition;

    /// <summary>Who was sent repeats, and for which partition.</summary>
    private (int Journal, string Partition)? _receiver;
    private bool _namesWritten;

    protected override IReadOnlyList<int> Lengths { get; } = [1500, 500, 300, 500, 1500, 300];

    public override bool Holds(SimulatedWorld world, Gate gate)
    {
        if (gate.Owner == Target)
        {
            if (Phase == Copy && gate.What.Verb == "write" && !IsNames(gate))
            {
                _partition = PartitionOf(gate);
                EndPhase();
            }
            else if (Phase == Commit && IsCommitOf(_partition, gate))
            {
                EndPhase();
            }

            return Phase is Commit or Repeats && IsCommit(gate);
        }

        if (Phase == Names && _receiver is { } receiver && gate.Owner.Journal == receiver.Journal)
        {
            _namesWritten |= IsNames(gate) && PartitionOf(gate) == receiver.Partition;
            if (_namesWritten && IsCommitOf(receiver.Partition, gate))
            {
                EndPhase();
            }
        }

        return false;
    }

    public override bool Holds(SimulatedWorld world, Parcel parcel)
    {
        if (Phase is Repeats or Floor && parcel.Message is DataMessage { Flagged: true } data && data.From == Target!.Journal)
        {
            _receiver = (parcel.To, world.PartitionName(data.Partition));
            if (Phase == Floor && data.Floor is { } floor && world.PartitionName(floor.SourcePartition) == _partition)
            {
                EndPhase();
            }
        }

        return Phase >= Repeats && parcel.Message is AckMessage && parcel.To == Target!.Journal;
    }

    public override bool Throws(SimulatedSilo silo, SimulatedOperator op, ulong eventId)
    {
        if (Phase is Commit or Repeats or Floor && silo == Target)
        {
            return !_wentWell.Contains((op.Slot, eventId));
        }

        _wentWell.Add((op.Slot, eventId));
        return false;
    }

    protected override void Enter(SimulatedWorld world, SimulatedSilo target)
    {
        if (Phase == Copy)
        {
            _partition = null;
            _receiver = null;
            _namesWritten = false;
        }
        else if (_partition is null)
        {
            EndPhase(); // Nothing was copied in time.
        }
        else if (Phase == Successor && _receiver is { } receiver && world.Find(receiver.Journal) is { } silo)
        {
            world.Kill(silo);
        }
    }

    private static bool IsNames(Gate gate) => gate.What.Verb == "write" && gate.What.Target.EndsWith("-names", StringComparison.Ordinal);

    private static string PartitionOf(Gate write) => write.What.Target.Split('/')[0];

    private static bool IsCommitOf(string? partition, Gate gate) => partition is not null && gate.What is { Verb: "swap" } what && what.Target == PartitionManifest.RecordName(partition);
}

using System.Reflection;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>What happened in one schedule, or in many.</summary>
internal sealed class Totals
{
    private static readonly PropertyInfo[] Properties = [.. typeof(Totals).GetProperties().Where(p => p.PropertyType == typeof(long))];
    private readonly long[] _faults = new long[Enum.GetValues<FaultKind>().Length];

    public long Steps { get; set; }

    public long SimulatedMs { get; set; }

    public long Ingested { get; set; }

    public long Records { get; set; }

    public long Void { get; set; }

    public long Turns { get; set; }

    public long Released { get; set; }

    public long Restarts { get; set; }

    public long Seals { get; set; }

    public long SealsApplied { get; set; }

    public long Takeovers { get; set; }

    public long Moves { get; set; }

    /// <summary>Live grains taken back because they depended on a lost record.</summary>
    public long RolledBack { get; set; }

    /// <summary>Grains that went back for any reason.</summary>
    public long Undone { get; set; }

    public long Replayed { get; set; }

    public long Reactivated { get; set; }

    public long Evicted { get; set; }

    /// <summary>Blocks that had left memory and were read again.</summary>
    public long Reread { get; set; }

    public long Repeats { get; set; }

    public long OrphansDropped { get; set; }

    public long SendsPurged { get; set; }

    public long Checkpoints { get; set; }

    public long CheckpointedGrains { get; set; }

    public long Trims { get; set; }

    public long RunsDeleted { get; set; }

    public long Timers { get; set; }

    public long Calls { get; set; }

    public long Throws { get; set; }

    public long Decisions { get; set; }

    public long AsyncTurns { get; set; }

    /// <summary>Turns that ran away from the loop.</summary>
    public long HostedTurns { get; set; }

    public long Reads { get; set; }

    public void Count(FaultKind kind) => _faults[(int)kind]++;

    public void Add(Totals other)
    {
        foreach (PropertyInfo property in Properties)
        {
            property.SetValue(this, (long)property.GetValue(this)! + (long)property.GetValue(other)!);
        }

        for (int i = 0; i < _faults.Length; i++)
        {
            _faults[i] += other._faults[i];
        }
    }

    public IEnumerable<(string Name, long Value)> Work() => Properties.Select(p => (p.Name, (long)p.GetValue(this)!));

    public IEnumerable<(FaultKind Kind, long Count)> Faults() => Enum.GetValues<FaultKind>().Select(k => (k, _faults[(int)k]));
}

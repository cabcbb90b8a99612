namespace OrleansStreaming.Testing.Simulation;

/// <summary>What happened in one schedule, or in many.</summary>
internal sealed class Totals
{
    private static readonly System.Reflection.PropertyInfo[] Properties = [.. typeof(Totals).GetProperties().Where(p => p.PropertyType == typeof(long))];

    public long Steps { get; set; }

    public long SimulatedMs { get; set; }

    public long Ingested { get; set; }

    public long Records { get; set; }

    public long Void { get; set; }

    public long Turns { get; set; }

    public long Released { get; set; }

    public long Kills { get; set; }

    public long Zombies { get; set; }

    public long Shutdowns { get; set; }

    public long Restarts { get; set; }

    public long Seals { get; set; }

    public long SealsApplied { get; set; }

    public long Takeovers { get; set; }

    public long Moves { get; set; }

    public long RolledBack { get; set; }

    public long Undone { get; set; }

    public long Replayed { get; set; }

    public long Reactivated { get; set; }

    public long Evicted { get; set; }

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

    public long Reads { get; set; }

    public long MessagesLost { get; set; }

    public long MessagesRepeated { get; set; }

    public long MessagesReordered { get; set; }

    public long StorageErrors { get; set; }

    public long AppendErrors { get; set; }

    public long DiskFull { get; set; }

    public long TornAppends { get; set; }

    public long LateEffects { get; set; }

    public long SinkErrors { get; set; }

    public long CallErrors { get; set; }

    public long WallJumps { get; set; }

    public void Add(Totals other)
    {
        foreach (System.Reflection.PropertyInfo property in Properties)
        {
            property.SetValue(this, (long)property.GetValue(this)! + (long)property.GetValue(other)!);
        }
    }

    public IEnumerable<(string Name, long Value)> All() => Properties.Select(p => (p.Name, (long)p.GetValue(this)!));
}

namespace OrleansStreaming.Core;

/// <summary>What one silo did about one seal: the blast radius of a failure, with reasons.</summary>
internal sealed record RecoveryEntry
{
    /// <summary>The silo that reports.</summary>
    public required string Silo { get; init; }

    /// <summary>The journal that was sealed, such as <c>silo1-4</c>.</summary>
    public required string Journal { get; init; }

    /// <summary>The seal's version, R.</summary>
    public required int SealVersion { get; init; }

    /// <summary>The last LSN (frame) that survived.</summary>
    public required long SealedAt { get; init; }

    /// <summary>When the seal was applied, UTC.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>How long applying it held the silo's loop, microseconds.</summary>
    public long PauseMicros { get; set; }

    /// <summary>From the seal until every grain rolled back here had replayed its events, milliseconds; null while under way.</summary>
    public long? RecoveredMs { get; set; }

    /// <summary>Grains taken back, and why; the first thousand.</summary>
    public IReadOnlyList<RolledBackGrain> RolledBack { get; set; } = [];

    /// <summary>All grains taken back.</summary>
    public int RolledBackCount { get; set; }

    /// <summary>Partitions taken over by this silo.</summary>
    public int TakenOver { get; set; }

    /// <summary>Grains brought back from checkpoints since the seal.</summary>
    public long Reactivated { get; set; }

    /// <summary>Events processed again since the seal, by grains rolled back and in partitions taken over.</summary>
    public long Replayed { get; set; }
}

/// <summary>One grain that was taken back.</summary>
/// <param name="Operator">The operator.</param>
/// <param name="Key">The key as text.</param>
/// <param name="LostRecord">The lost record that it depended on, as journal and LSN.</param>
/// <param name="Because">The void event that brought the dependency, if it lies in the grain's own partition: who sent it and its position.</param>
/// <param name="From">The last event that it had processed.</param>
internal sealed record RolledBackGrain(string Operator, string Key, string LostRecord, string? Because, string From);

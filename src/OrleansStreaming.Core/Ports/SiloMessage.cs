namespace OrleansStreaming.Core;

/// <summary>What silos tell each other. Immutable once sent.</summary>
/// <param name="From">The sender's journal.</param>
/// <param name="SealVersion">R: how many seals the sender had applied.</param>
/// <param name="Durable">The sender's watermark: its journal is durable up to here.</param>
internal abstract record SiloMessage(int From, int SealVersion, long Durable);

/// <summary>Nothing but the watermark.</summary>
internal sealed record WatermarkMessage(int From, int SealVersion, long Durable) : SiloMessage(From, SealVersion, Durable);

/// <summary>Records for a partition, over the channel (journal, partition, ownership epoch), numbered without gaps.</summary>
internal sealed record DataMessage(int From, int SealVersion, long Durable) : SiloMessage(From, SealVersion, Durable)
{
    public required int Partition { get; init; }

    public required int Epoch { get; init; }

    /// <summary>The number of the first row.</summary>
    public required long FirstNumber { get; init; }

    public required int Count { get; init; }

    /// <summary>May repeat what the partition holds already: look it up.</summary>
    public required bool Flagged { get; init; }

    public required byte[] Rows { get; init; }

    public required int Length { get; init; }

    public required long BaseTime { get; init; }

    /// <summary>The vectors of the rows' slots. A void one makes its rows empty: their numbers count, their content does not.</summary>
    public required WireSlot[] Slots { get; init; }

    /// <summary>In place of rows: what the sender will never repeat. Takes one number.</summary>
    public Floor? Floor { get; init; }
}

/// <summary>A vector on the wire.</summary>
internal readonly record struct WireSlot(CausalityVector? Vector, bool Void);

/// <summary>
/// No grain of the operator in the source partition will ever repeat an output of an input at or below the offset: it is
/// covered by committed checkpoints.
/// </summary>
internal readonly record struct Floor(int OperatorId, int SourcePartition, long Offset);

/// <summary>Channel numbers up to which the receiver has, and has durably.</summary>
internal sealed record AckMessage(int From, int SealVersion, long Durable, int Partition, int Epoch, long Received, long DurableNumber)
    : SiloMessage(From, SealVersion, Durable);

/// <summary>The receiver does not own the partition under that epoch.</summary>
internal sealed record RefusedMessage(int From, int SealVersion, long Durable, int Partition, int Epoch) : SiloMessage(From, SealVersion, Durable);

/// <summary>The sender serves a partition.</summary>
internal sealed record OwnerMessage(int From, int SealVersion, long Durable, int Partition, int Epoch) : SiloMessage(From, SealVersion, Durable);

/// <summary>The sender has released a partition: somebody should claim it.</summary>
internal sealed record ReleasedMessage(int From, int SealVersion, long Durable, int Partition) : SiloMessage(From, SealVersion, Durable);

/// <summary>All seals there are.</summary>
internal sealed record SealsMessage(int From, int SealVersion, long Durable, IReadOnlyList<Seal> Seals) : SiloMessage(From, SealVersion, Durable);

/// <summary>A journal's end, agreed by all.</summary>
internal readonly record struct Seal(int Journal, long End);

/// <summary>Which silos live.</summary>
/// <param name="Names">All silos that there should be, sorted; places partitions.</param>
/// <param name="Live">The journals of those that live, by name.</param>
/// <param name="Dead">Journals whose writers are known to be gone, and should be sealed.</param>
/// <param name="Placed">Where each partition belongs, in the order of declaration; null to place them by their place among the names.</param>
/// <param name="Self">Under which of the names the receiver is meant; null for its own.</param>
/// <param name="NobodyStays">All of them are to stop: whoever serves a partition keeps it until then, as the one that it would go to may have stopped claiming.</param>
internal sealed record MembershipView(IReadOnlyList<string> Names, IReadOnlyDictionary<string, int> Live, IReadOnlySet<int> Dead, IReadOnlyList<string>? Placed = null, string? Self = null, bool NobodyStays = false)
{
    /// <summary>Where a partition belongs: its place among all names, or, while that silo is away, one of the others.</summary>
    public string? DesiredOwner(int ordinal)
    {
        if (Placed is not null)
        {
            return ordinal < Placed.Count ? Placed[ordinal] : null;
        }

        string home = Names[ordinal % Names.Count];
        if (Live.ContainsKey(home) || Live.Count == 0)
        {
            return Live.Count == 0 ? null : home;
        }

        string[] live = [.. Live.Keys.Order(StringComparer.Ordinal)];
        return live[ordinal / Names.Count % live.Length];
    }
}

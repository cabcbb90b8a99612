namespace OrleansStreaming.Core;

/// <summary>
/// A record that a grain is to take: where it lies, and what of it is needed after the turn. Its bytes may move while a turn
/// runs, as a turn can write to the very block that it reads.
/// </summary>
internal readonly record struct Input(LogBlock Block, int Start, long Offset, int Slot, RecordKind Kind, RecordName Name)
{
    public Input(LogBlock block, int start, long offset, in Row row)
        : this(block, start, offset, row.Slot, row.Kind, row.Name)
    {
    }
}

/// <summary>A turn that did not complete at once, or runs away from the loop.</summary>
internal class Turn(OperatorHost host, Grain grain, in Input input, TurnContext context, long startedMs)
{
    public OperatorHost Host { get; } = host;

    public Grain Grain { get; } = grain;

    /// <summary>What it consumes; its block is pinned.</summary>
    public Input Input { get; } = input;

    public long Offset => Input.Offset;

    public TurnContext Context { get; } = context;

    public long StartedMs { get; } = startedMs;

    public Task Task { get; set; } = Task.CompletedTask;

    /// <summary>What it threw, once it has ended.</summary>
    public virtual Exception? Error => Task.IsCompletedSuccessfully ? null : Task.Exception?.InnerException ?? new OperationCanceledException();

    /// <summary>The state before the turn, where copies are cheap.</summary>
    public virtual byte[]? Before => StateBefore;

    public byte[]? StateBefore { get; init; }

    /// <summary>A failure took the turn's ground away: what it did is dropped.</summary>
    public bool Discarded { get; set; }

    public bool ReportedStuck { get; set; }
}

namespace OrleansStreaming.Core;

/// <summary>Where a grain is.</summary>
internal enum GrainPhase : byte
{
    /// <summary>Only its committed checkpoint exists, or nothing.</summary>
    Absent,

    /// <summary>Its checkpoint is being read.</summary>
    Loading,

    /// <summary>In memory.</summary>
    Ready,

    /// <summary>Its next event threw; waits to be tried again.</summary>
    BackingOff,
}

/// <summary>
/// One (operator, key) in its partition's owner: the instance, how far it has come, and what it depends on. Touched only by
/// the silo's loop, but for the instance during an asynchronous turn.
/// </summary>
internal sealed class Grain(byte[] key, ulong hash)
{
    public byte[] Key { get; } = key;

    public ulong Hash { get; } = hash;

    public GrainPhase Phase { get; set; }

    public OperatorGrain? Instance { get; set; }

    /// <summary>The last offset whose turn has taken effect.</summary>
    public long Position { get; set; } = Offset.None.Value;

    /// <summary>The highest offset whose turn has ever taken effect in this owner: at or below, a turn repeats.</summary>
    public long Completed { get; set; } = Offset.None.Value;

    /// <summary>The last frame of the own journal that the state depends on. In memory one number suffices: a silo never survives its own journal.</summary>
    public long OwnLsn { get; set; }

    /// <summary>What the state depends on in other journals.</summary>
    public CausalityVector? Foreign { get; set; }

    /// <summary>Whether the grain is in its host's list of grains with foreign dependencies.</summary>
    public bool InForeignList { get; set; }

    /// <summary>The newest version without foreign dependencies, while there are some.</summary>
    public UndoCopy? Undo { get; set; }

    public List<PendingRequest>? Pending { get; set; }

    public Turn? Turn { get; set; }

    public Queue<WaitingRow>? Mailbox { get; set; }

    /// <summary>Events between <see cref="Position"/> and the cursor are to be found in the log.</summary>
    public bool Behind { get; set; }

    /// <summary>The first event that no committed checkpoint covers; none when all are covered.</summary>
    public long UncoveredFrom { get; set; } = Offset.None.Value;

    /// <summary>The first event after the copy that is being committed.</summary>
    public long UncoveredAfterCapture { get; set; } = Offset.None.Value;

    /// <summary>The position of the copy that is being committed.</summary>
    public long CapturedAt { get; set; } = Offset.None.Value;

    /// <summary>Is part of its host's pass over the log.</summary>
    public bool CatchingUp { get; set; }

    /// <summary>The event that threw last.</summary>
    public long FailedAt { get; set; } = Offset.None.Value;

    /// <summary>How often it has thrown.</summary>
    public int Attempts { get; set; }

    /// <summary>What it threw last, and how often in a row.</summary>
    public Exception? Failure { get; set; }

    public int SameFailures { get; set; }

    /// <summary>Grows when the grain goes back: answers of calls made before are not for it.</summary>
    public int Generation { get; set; }

    public long LastUsedMs { get; set; }

    /// <summary>An event may be handed to it now.</summary>
    public bool IsIdle => Phase == GrainPhase.Ready && Turn is null && !Behind && Mailbox is not { Count: > 0 };
}

/// <summary>A copy of a grain in memory.</summary>
internal sealed record UndoCopy(byte[] State, long Position, long OwnLsn, List<PendingRequest>? Pending);

/// <summary>An event that waits for its grain; its block is pinned.</summary>
internal readonly record struct WaitingRow(LogBlock Block, int Start, long Offset);

/// <summary>A turn that did not complete at once.</summary>
internal sealed class Turn(OperatorHost host, Grain grain, LogBlock block, int start, long offset, TurnContext context, long startedMs)
{
    public OperatorHost Host { get; } = host;

    public Grain Grain { get; } = grain;

    public LogBlock Block { get; } = block;

    public int Start { get; } = start;

    public long Offset { get; } = offset;

    public TurnContext Context { get; } = context;

    public long StartedMs { get; } = startedMs;

    public Task Task { get; set; } = Task.CompletedTask;

    /// <summary>The state before the turn, where copies are cheap.</summary>
    public byte[]? Before { get; init; }

    /// <summary>The copy to roll back to if what this turn consumed is lost.</summary>
    public UndoCopy? Undo { get; init; }

    /// <summary>A failure took the turn's ground away: what it did is dropped.</summary>
    public bool Discarded { get; set; }

    public bool ReportedStuck { get; set; }
}

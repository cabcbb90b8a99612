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
/// the silo's loop, but for the instance during an asynchronous turn. Every event touches a grain, and with a million of
/// them each cache line is a miss: what few grains have at a time is kept apart.
/// </summary>
internal sealed class Grain(byte[] key, ulong hash)
{
    /// <summary>No filter denies that there is a checkpoint, and none has been read.</summary>
    public const long NotKnown = -2;

    /// <summary>What a turn touches of a grain, to be fetched ahead: references, position, flags, LSN, and what is uncovered.</summary>
    public const int TouchedBytes = 88;

    /// <summary>What a checkpoint touches, when it copies a grain and when it is committed: all up to the hash.</summary>
    public const int CheckpointedBytes = 104;

    /// <summary>What it touches of a key: length and a number.</summary>
    public const int TouchedKeyBytes = 16;

    /// <summary>What a turn touches of an instance: the key and a small state.</summary>
    public const int TouchedInstanceBytes = 40;

    private const long PhaseBits = 0xFF;
    private const long BehindBit = 1 << 8;
    private const long CatchingUpBit = 1 << 9;
    private const long InUncoveredBit = 1 << 10;
    private const long CopyWantedBit = 1 << 11;
    private const long LeavesBit = 1 << 12;

    // The runtime lays references out first, then numbers of 64 bits in this order: what every turn touches lies together.
    private GrainExtras? _extras;
    private long _position = Offset.None.Value;
    private long _flags;

    /// <summary>The last frame of the own journal that the state depends on. In memory one number suffices: a silo never survives its own journal.</summary>
    public long OwnLsn;

    /// <summary>The number of its entry in the host's <see cref="UndoLog"/>: it depended on other journals when last looked at. None when it has none.</summary>
    public long UndoAt = Offset.None.Value;

    /// <summary>The first event that no committed checkpoint covers; none when all are covered.</summary>
    public long UncoveredFrom = Offset.None.Value;

    /// <summary>The position of the copy that is being committed.</summary>
    public long CapturedAt = Offset.None.Value;

    /// <summary>The first event after the copy that is being committed.</summary>
    public long UncoveredAfterCapture = Offset.None.Value;

    /// <summary>The position of its newest committed checkpoint; none when there is none, <see cref="NotKnown"/> until that has been looked for.</summary>
    public long Committed = Offset.None.Value;

    public byte[] Key { get; } = key;

    public ulong Hash { get; } = hash;

    public OperatorGrain? Instance { get; set; }

    /// <summary>What the state depends on in other journals.</summary>
    public CausalityVector? Foreign { get; set; }

    /// <summary>The last offset whose turn has taken effect.</summary>
    public long Position
    {
        get => _position;
        set
        {
            if (value < _position)
            {
                Extras.Completed = Completed; // It goes back: remember how far it has been.
            }

            _position = value;
        }
    }

    /// <summary>The highest offset whose turn has ever taken effect in this owner: at or below, a turn repeats.</summary>
    public long Completed => _extras is null ? _position : Math.Max(_position, _extras.Completed);

    /// <summary>Grows when the grain goes back: answers of calls made before are not for it.</summary>
    public int Generation { get; set; }

    public GrainPhase Phase
    {
        get => (GrainPhase)(_flags & PhaseBits);
        set => _flags = (_flags & ~PhaseBits) | (long)value;
    }

    /// <summary>Events between <see cref="Position"/> and the cursor are to be found in the log.</summary>
    public bool Behind
    {
        get => (_flags & BehindBit) != 0;
        set => Set(BehindBit, value);
    }

    /// <summary>Is part of its host's pass over the log.</summary>
    public bool CatchingUp
    {
        get => (_flags & CatchingUpBit) != 0;
        set => Set(CatchingUpBit, value);
    }

    /// <summary>Whether the grain is in its host's list of grains to be copied.</summary>
    public bool InUncovered
    {
        get => (_flags & InUncoveredBit) != 0;
        set => Set(InUncoveredBit, value);
    }

    /// <summary>The checkpoint under way waits for the end of its turn.</summary>
    public bool CopyWanted
    {
        get => (_flags & CopyWantedBit) != 0;
        set => Set(CopyWantedBit, value);
    }

    /// <summary>Nobody keeps it any more: it leaves memory as soon as a checkpoint covers it, unless it is used before.</summary>
    public bool LeavesWhenCovered
    {
        get => (_flags & LeavesBit) != 0;
        set => Set(LeavesBit, value);
    }

    /// <summary>Notes that it is in use.</summary>
    public void Use(long nowMs) => _flags = (_flags & (uint.MaxValue & ~LeavesBit)) | (nowMs << 32);

    /// <summary>How long it has not been used, milliseconds; after 49 days it begins at 0 again, which only keeps it in memory a little longer.</summary>
    public long UnusedMs(long nowMs) => (uint)((uint)nowMs - (uint)(_flags >>> 32));

    /// <summary>What its next checkpoint may be a delta to.</summary>
    public DeltaBase? Base
    {
        get => _extras?.Base;
        set
        {
            if (ExtrasFor(value) is { } extras)
            {
                extras.Base = value;
                DropIfEmpty(value);
            }
        }
    }

    /// <summary>Timers and calls that the grain waits for.</summary>
    public List<PendingRequest>? Pending
    {
        get => _extras?.Pending;
        set
        {
            if (ExtrasFor(value) is { } extras)
            {
                extras.Pending = value;
                DropIfEmpty(value);
            }
        }
    }

    /// <summary>The turn that has not ended.</summary>
    public Turn? Turn
    {
        get => _extras?.Turn;
        set
        {
            if (ExtrasFor(value) is { } extras)
            {
                extras.Turn = value;
                DropIfEmpty(value);
            }
        }
    }

    /// <summary>Events that wait for the grain.</summary>
    public Queue<Input>? Mailbox
    {
        get => _extras?.Mailbox;
        set
        {
            if (ExtrasFor(value) is { } extras)
            {
                extras.Mailbox = value;
                DropIfEmpty(value);
            }
        }
    }

    /// <summary>Attempts at an event that threw, or null.</summary>
    public FailedEvent? Failed
    {
        get => _extras?.Failed;
        set
        {
            if (ExtrasFor(value) is { } extras)
            {
                extras.Failed = value;
                DropIfEmpty(value);
            }
        }
    }

    /// <summary>What the engine keeps of a grain whose turns it runs; it leaves memory with the grain.</summary>
    public object? Seat
    {
        get => _extras?.Seat;
        set
        {
            if (ExtrasFor(value) is { } extras)
            {
                extras.Seat = value;
                DropIfEmpty(value);
            }
        }
    }

    /// <summary>An event may be handed to it now.</summary>
    public bool IsIdle => (_flags & (PhaseBits | BehindBit)) == (long)GrainPhase.Ready && (_extras is null || _extras is { Turn: null, Mailbox: not { Count: > 0 } });

    private GrainExtras Extras => _extras ??= Spares<GrainExtras>.TryTake() ?? new GrainExtras();

    private void Set(long bit, bool value) => _flags = value ? _flags | bit : _flags & ~bit;

    /// <summary>Where a value is kept: nowhere, while there is none.</summary>
    private GrainExtras? ExtrasFor(object? value) => value is null ? _extras : Extras;

    /// <summary>A value has been set; when it was the last to go, what kept it is used by others.</summary>
    private void DropIfEmpty(object? value)
    {
        if (value is null && _extras is { IsEmpty: true } extras && extras.Completed <= _position)
        {
            extras.Completed = Offset.None.Value;
            _extras = null;
            Spares<GrainExtras>.Give(extras);
        }
    }

    /// <summary>What few grains have at a time.</summary>
    private sealed class GrainExtras
    {
        public long Completed = Offset.None.Value;
        public DeltaBase? Base;
        public List<PendingRequest>? Pending;
        public Turn? Turn;
        public Queue<Input>? Mailbox;
        public FailedEvent? Failed;
        public object? Seat;

        public bool IsEmpty => this is { Base: null, Pending: null, Turn: null, Mailbox: null, Failed: null, Seat: null };
    }
}

/// <summary>An event whose turn threw.</summary>
internal sealed class FailedEvent(long offset)
{
    public long Offset { get; } = offset;

    /// <summary>How often it has thrown.</summary>
    public int Attempts { get; set; }

    /// <summary>What it threw last, and how often in a row.</summary>
    public Exception? Failure { get; set; }

    public int SameFailures { get; set; }
}

namespace OrleansStreaming.Testing.Simulation;

/// <summary>Everything that goes wrong in a simulated world. Each is counted, and can be switched off.</summary>
internal enum FaultKind
{
    /// <summary>A silo's memory is gone at once, at any of its calls.</summary>
    Kill,

    /// <summary>It was claiming or opening partitions.</summary>
    KillInRecovery,

    /// <summary>It was moving a partition to another silo.</summary>
    KillInMove,

    /// <summary>Others were being recovered from.</summary>
    OverlappingFailure,

    /// <summary>A silo stands still, often longer than others wait; then it goes on with what it was about to do.</summary>
    Pause,

    /// <summary>A silo is taken for dead though it runs.</summary>
    DeclaredDead,

    /// <summary>A partition was claimed while another silo still held itself for the owner.</summary>
    TwoOwners,

    /// <summary>A silo is to stop in good order.</summary>
    Shutdown,

    /// <summary>Nobody is to stay.</summary>
    ShutdownAll,

    RollingRestart,

    /// <summary>Another set of silos shall serve.</summary>
    Replan,

    MessageLost,
    MessageRepeated,
    MessageReordered,

    /// <summary>A message goes to the end of the line.</summary>
    MessageDelayed,

    /// <summary>An announcement of seals is lost.</summary>
    AnnouncementLost,

    /// <summary>For a while nothing comes through from one silo to another; the other way is open.</summary>
    NetworkCut,

    /// <summary>An operation fails, before it takes effect or after.</summary>
    StorageError,

    /// <summary>An append fails, before it takes effect or after: the silo must give its journal up.</summary>
    FailedFlush,

    DiskFull,

    /// <summary>Nothing that a silo asks of storage takes effect for a while.</summary>
    SlowStorage,

    /// <summary>One bit of what is read is wrong.</summary>
    FlippedBit,

    /// <summary>Less is read than is there.</summary>
    ShortRead,

    /// <summary>The last append of a dead silo is there up to some byte.</summary>
    TornAppend,

    /// <summary>What a silo had asked for takes effect when it is gone.</summary>
    LateEffect,

    SinkError,
    CallError,

    /// <summary>A silo starts with a clock that is wrong by seconds.</summary>
    ClockSkew,

    /// <summary>A clock is set.</summary>
    ClockJump,

    /// <summary>A cluster lets go of a grain in which the turns of a key ran.</summary>
    Unseat,

    /// <summary>An operator throws.</summary>
    Throw,
}

namespace OrleansStreaming.Testing.Simulation;

/// <summary>What the schedule can do next.</summary>
internal enum WorldAction
{
    Step,
    Deliver,
    Storage,
    Append,
    Outside,
    Turn,
    Complete,
    EndTurn,
    Time,
    Ingest,
    Read,
    Restart,
    View,
    Kill,
    KillBusy,
    DeclareDead,
    Pause,
    Replan,
    Shutdown,
    ShutdownAll,
    RollingRestart,
    NetworkCut,
    SlowStorage,
    ClockJump,
    Unseat,

    /// <summary>How many there are.</summary>
    Count,
}

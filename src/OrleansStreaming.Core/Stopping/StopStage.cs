namespace OrleansStreaming.Core;

/// <summary>How far a silo has come that stops together with all others.</summary>
internal enum StopStage
{
    /// <summary>It works.</summary>
    Working,

    /// <summary>Nothing is left to do and no partition is on the move. Whoever goes further claims no partitions: all must be here first.</summary>
    Quiet,

    /// <summary>Turns have stopped and what they sent has arrived. Whoever goes further takes nothing more: all must be here first.</summary>
    Resting,
}

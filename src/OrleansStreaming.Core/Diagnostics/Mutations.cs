namespace OrleansStreaming.Core;

/// <summary>
/// Rules of the protocol that the simulator can break, to see that it notices. All false, always, but there. Looked at per
/// message, seal, flush or commit, not per event.
/// </summary>
internal static class Mutations
{
    /// <summary>Data of a sealed journal is taken.</summary>
    public static bool TakeFromSealed;

    /// <summary>Orphans are not told from others on arrival.</summary>
    public static bool TakeOrphans;

    /// <summary>Flagged messages are not looked up.</summary>
    public static bool TakeRepeats;

    /// <summary>What arrives is acknowledged before it is durable.</summary>
    public static bool AcknowledgeEarly;

    /// <summary>Producers are answered before their events are durable.</summary>
    public static bool AnswerEarly;

    /// <summary>Sinks get what is durable, stable or not.</summary>
    public static bool ReleaseUnstable;

    /// <summary>A checkpoint is committed whatever it depends on.</summary>
    public static bool CommitUnstable;

    /// <summary>A checkpoint is committed before its outputs have arrived.</summary>
    public static bool CommitUnsent;

    /// <summary>A claim overwrites what it did not read.</summary>
    public static bool ClaimBlindly;

    /// <summary>Orphaned sends are sent on.</summary>
    public static bool KeepOrphanedSends;

    /// <summary>Grains that depend on a lost record stay as they are.</summary>
    public static bool KeepOrphanedGrains;

    /// <summary>A running turn is not discarded with its void record.</summary>
    public static bool KeepOrphanedTurns;

    /// <summary>Strict streams deliver at once.</summary>
    public static bool DeliverUnstable;

    /// <summary>The table of names takes in what may become void.</summary>
    public static bool TableUnstable;

    /// <summary>Floors are announced before the manifest that makes them true is written.</summary>
    public static bool AnnounceEarly;

    /// <summary>Trimming does not wait for sinks.</summary>
    public static bool TrimUnreleased;

    /// <summary>Trimming does not wait for checkpoints.</summary>
    public static bool TrimUncovered;

    /// <summary>Channel numbers may be skipped.</summary>
    public static bool TakeAnyNumber;

    /// <summary>Replay does not look ahead for decisions.</summary>
    public static bool ForgetDecisions;

    /// <summary>Timers and answers are appended whether they are there already or not.</summary>
    public static bool FireTwice;

    /// <summary>A grain that waits for something is not woken by its checkpoint.</summary>
    public static bool LetSleep;

    /// <summary>A move does not wait until sends have arrived.</summary>
    public static bool MoveUnsent;

    /// <summary>A move is written down before its end is durable.</summary>
    public static bool MoveUndurable;

    /// <summary>Outputs of repeated turns are not flagged.</summary>
    public static bool NeverFlag;

    /// <summary>Messages that know more seals are taken at once.</summary>
    public static bool IgnoreSealVersion;

    /// <summary>A live grain may stay behind its committed checkpoint.</summary>
    public static bool StayBehind;

    /// <summary>A resend to a new owner comes after newer sends.</summary>
    public static bool ForgetUnacknowledged;

    /// <summary>A manifest is written whoever has written it meanwhile.</summary>
    public static bool WriteBlindly;
}

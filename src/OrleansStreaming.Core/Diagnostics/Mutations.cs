namespace OrleansStreaming.Core;

/// <summary>
/// Rules of the protocol that the simulator can break, to see that it notices; docs/testing.md says how. Each is off unless
/// its AppContext switch, such as OrleansStreaming.Mutations.TakeRepeats, is on when this class is first used. Constants to
/// the just-in-time compiler, so that they cost nothing.
/// </summary>
internal static class Mutations
{
    // ---------- Vectors, seals and orphans

    /// <summary>A kept send loses the entry of the first destination's journal, which another destination needs.</summary>
    [Breaks("FullVec")]
    public static readonly bool KeepShortVector = IsOn(nameof(KeepShortVector));

    /// <summary>Data of a sealed journal is taken.</summary>
    [Breaks("RefuseSealed")]
    public static readonly bool TakeFromSealed = IsOn(nameof(TakeFromSealed));

    /// <summary>Orphans are not told from others on arrival.</summary>
    [Breaks("I5")]
    public static readonly bool TakeOrphans = IsOn(nameof(TakeOrphans));

    /// <summary>Messages that know more seals are taken at once.</summary>
    [Breaks("I5")]
    public static readonly bool IgnoreSealVersion = IsOn(nameof(IgnoreSealVersion));

    /// <summary>Orphaned sends are sent on.</summary>
    [Breaks("PurgeSends")]
    public static readonly bool KeepOrphanedSends = IsOn(nameof(KeepOrphanedSends));

    /// <summary>Purged sends are left out, number and all.</summary>
    [Breaks("Tomb")]
    public static readonly bool SkipEmptySlots = IsOn(nameof(SkipEmptySlots));

    /// <summary>Grains that depend on a lost record stay as they are.</summary>
    [Breaks("I5")]
    public static readonly bool KeepOrphanedGrains = IsOn(nameof(KeepOrphanedGrains));

    /// <summary>A seal takes back every grain that depends on another journal, lost or not.</summary>
    [Breaks("I5")]
    public static readonly bool RollBackAll = IsOn(nameof(RollBackAll));

    /// <summary>A running turn is not discarded with its void record.</summary>
    [Breaks("TurnRec")]
    public static readonly bool KeepOrphanedTurns = IsOn(nameof(KeepOrphanedTurns));

    /// <summary>A running turn takes effect though its partition has been given up.</summary>
    [Breaks("TurnLost")]
    public static readonly bool KeepLostTurns = IsOn(nameof(KeepLostTurns));

    /// <summary>A record that is durable in its own journal counts as depending on nothing else.</summary>
    [Breaks("I5")]
    public static readonly bool PruneUnstable = IsOn(nameof(PruneUnstable));

    /// <summary>The overlay of names keeps what records had raised that are void now.</summary>
    [Breaks("I3")]
    public static readonly bool KeepVoidNames = IsOn(nameof(KeepVoidNames));

    /// <summary>A grain leaves memory before a checkpoint covers it.</summary>
    [Breaks("I4")]
    public static readonly bool EvictUncovered = IsOn(nameof(EvictUncovered));

    /// <summary>A grain comes back without the state in its checkpoint.</summary>
    [Breaks("I4")]
    public static readonly bool ForgetState = IsOn(nameof(ForgetState));

    /// <summary>Seals are heard of by announcement only, and announcements get lost.</summary>
    [Breaks("I8")]
    public static readonly bool NeverPoll = IsOn(nameof(NeverPoll));

    // ---------- Running ahead

    /// <summary>Producers are answered before their events are durable.</summary>
    [Breaks("I3")]
    public static readonly bool AnswerEarly = IsOn(nameof(AnswerEarly));

    /// <summary>Sinks get what is durable, stable or not.</summary>
    [Breaks("I2")]
    public static readonly bool ReleaseUnstable = IsOn(nameof(ReleaseUnstable));

    /// <summary>Strict streams deliver at once.</summary>
    [Breaks("I2")]
    public static readonly bool DeliverUnstable = IsOn(nameof(DeliverUnstable));

    /// <summary>Strict streams deliver at once what was there when the owner began.</summary>
    [Breaks("StrictReplay")]
    public static readonly bool ReplayUnstable = IsOn(nameof(ReplayUnstable));

    /// <summary>What a sink refused is passed over.</summary>
    [Breaks("I9")]
    public static readonly bool SkipFailed = IsOn(nameof(SkipFailed));

    /// <summary>A flush that failed is tried again.</summary>
    [Breaks("I1")]
    public static readonly bool RetryFlush = IsOn(nameof(RetryFlush));

    // ---------- Timers, calls and decisions

    /// <summary>A grain that waits for something is not woken by its checkpoint.</summary>
    [Breaks("SelfWake")]
    public static readonly bool LetSleep = IsOn(nameof(LetSleep));

    /// <summary>A timer or an answer is appended without what its grain depends on.</summary>
    [Breaks("SelfVec")]
    public static readonly bool FireBare = IsOn(nameof(FireBare));

    /// <summary>Timers and answers are appended whether they are there already or not.</summary>
    [Breaks("SelfLook")]
    public static readonly bool FireTwice = IsOn(nameof(FireTwice));

    /// <summary>A repeated turn that throws is decided on as soon as a first one.</summary>
    [Breaks("ThrowReplay")]
    public static readonly bool DecideAgain = IsOn(nameof(DecideAgain));

    /// <summary>Replay does not look ahead for decisions.</summary>
    [Breaks("SkipAhead")]
    public static readonly bool ForgetDecisions = IsOn(nameof(ForgetDecisions));

    /// <summary>A grain that leaves out an event does not depend on the decision to.</summary>
    [Breaks("SkipVec")]
    public static readonly bool LeaveOutBare = IsOn(nameof(LeaveOutBare));

    // ---------- Channels

    /// <summary>Channel numbers may be skipped.</summary>
    [Breaks("Fifo")]
    public static readonly bool TakeAnyNumber = IsOn(nameof(TakeAnyNumber));

    /// <summary>What a channel holds longest goes to a new owner last.</summary>
    [Breaks("ResendFirst")]
    public static readonly bool ResendLast = IsOn(nameof(ResendLast));

    /// <summary>What is not acknowledged is not sent to a new owner.</summary>
    [Breaks("I3")]
    public static readonly bool ForgetUnacknowledged = IsOn(nameof(ForgetUnacknowledged));

    /// <summary>A number of a closed channel acknowledges in the open one.</summary>
    [Breaks("AckBySeq")]
    public static readonly bool TakeOldAcknowledgements = IsOn(nameof(TakeOldAcknowledgements));

    /// <summary>What arrives is acknowledged before it is durable.</summary>
    [Breaks("I3")]
    public static readonly bool AcknowledgeEarly = IsOn(nameof(AcknowledgeEarly));

    /// <summary>A repeat is acknowledged before what it repeats is durable.</summary>
    [Breaks("DupAckWait")]
    public static readonly bool AcknowledgeRepeats = IsOn(nameof(AcknowledgeRepeats));

    /// <summary>What was lost on its way is not sent again.</summary>
    [Breaks("I8")]
    public static readonly bool NeverResend = IsOn(nameof(NeverResend));

    // ---------- Duplicates

    /// <summary>Flagged messages are not looked up.</summary>
    [Breaks("I3")]
    public static readonly bool TakeRepeats = IsOn(nameof(TakeRepeats));

    /// <summary>Outputs of repeated turns are not flagged.</summary>
    [Breaks("I3")]
    public static readonly bool NeverFlag = IsOn(nameof(NeverFlag));

    /// <summary>The table of names takes in what may become void.</summary>
    [Breaks("TableStable")]
    public static readonly bool TableUnstable = IsOn(nameof(TableUnstable));

    /// <summary>The committed position counts grains that no committed checkpoint covers.</summary>
    [Breaks("FloorExact")]
    public static readonly bool AnnounceTooMuch = IsOn(nameof(AnnounceTooMuch));

    /// <summary>A floor is heeded when it arrives, whatever is still on its way before it, and announced without waiting for that.</summary>
    [Breaks("FloorLate")]
    public static readonly bool HeedFloorEarly = IsOn(nameof(HeedFloorEarly));

    /// <summary>Floors are announced before the repeats of what they cover have arrived.</summary>
    [Breaks("FloorRepeats")]
    public static readonly bool AnnounceBeforeRepeats = IsOn(nameof(AnnounceBeforeRepeats));

    /// <summary>Floors are announced before the manifest that makes them true is written.</summary>
    [Breaks("FloorAfterCas")]
    public static readonly bool AnnounceEarly = IsOn(nameof(AnnounceEarly));

    /// <summary>A live grain may stay behind its committed checkpoint.</summary>
    [Breaks("Behind")]
    public static readonly bool StayBehind = IsOn(nameof(StayBehind));

    /// <summary>A source may leave out what went before.</summary>
    [Breaks("ProdFifo")]
    public static readonly bool TakeGaps = IsOn(nameof(TakeGaps));

    /// <summary>A block that was read is taken to have one producer, that of its first row.</summary>
    [Breaks("I3")]
    public static readonly bool TrustFirstMaker = IsOn(nameof(TrustFirstMaker));

    /// <summary>Batches of sources that a partition has not taken when it closes are never answered.</summary>
    [Breaks("I8")]
    public static readonly bool LeaveOffered = IsOn(nameof(LeaveOffered));

    // ---------- Checkpoints, manifests and trimming

    /// <summary>A checkpoint is committed whatever it depends on.</summary>
    [Breaks("I2")]
    public static readonly bool CommitUnstable = IsOn(nameof(CommitUnstable));

    /// <summary>A checkpoint is committed before its outputs have arrived.</summary>
    [Breaks("I7")]
    public static readonly bool CommitUnsent = IsOn(nameof(CommitUnsent));

    /// <summary>A claim overwrites what it did not read.</summary>
    [Breaks("ClaimCas")]
    public static readonly bool ClaimBlindly = IsOn(nameof(ClaimBlindly));

    /// <summary>A partition is served as soon as it has been read, claimed or not.</summary>
    [Breaks("ClaimFirst")]
    public static readonly bool ServeUnclaimed = IsOn(nameof(ServeUnclaimed));

    /// <summary>Merging keeps the oldest checkpoint of a grain.</summary>
    [Breaks("I7")]
    public static readonly bool MergeOldest = IsOn(nameof(MergeOldest));

    /// <summary>What has changed is found by comparing with an older checkpoint than the one that is named.</summary>
    [Breaks("I4")]
    public static readonly bool DeltaToOlder = IsOn(nameof(DeltaToOlder));

    /// <summary>A filter denies checkpoints that are there.</summary>
    [Breaks("I7")]
    public static readonly bool DenyInFilter = IsOn(nameof(DenyInFilter));

    /// <summary>A manifest is written whoever has written it meanwhile.</summary>
    [Breaks("ManFence")]
    public static readonly bool WriteBlindly = IsOn(nameof(WriteBlindly));

    /// <summary>Trimming does not wait for sinks.</summary>
    [Breaks("I7")]
    public static readonly bool TrimUnreleased = IsOn(nameof(TrimUnreleased));

    /// <summary>Trimming does not wait for checkpoints.</summary>
    [Breaks("I7")]
    public static readonly bool TrimUncovered = IsOn(nameof(TrimUncovered));

    /// <summary>Whoever trims decides by itself that a sealed journal is needed by nobody.</summary>
    [Breaks("TrimOwnR")]
    public static readonly bool TrimSealed = IsOn(nameof(TrimSealed));

    // ---------- Planned moves

    /// <summary>A move refuses messages before its sends have arrived.</summary>
    [Breaks("MoveOrder")]
    public static readonly bool CloseFirst = IsOn(nameof(CloseFirst));

    /// <summary>A move does not wait until sends have arrived.</summary>
    [Breaks("MoveDrain")]
    public static readonly bool MoveUnsent = IsOn(nameof(MoveUnsent));

    /// <summary>A moving partition goes on accepting after its end is taken.</summary>
    [Breaks("MoveStop")]
    public static readonly bool StayOpen = IsOn(nameof(StayOpen));

    /// <summary>A move is written down before its end is durable.</summary>
    [Breaks("MoveDurable")]
    public static readonly bool MoveUndurable = IsOn(nameof(MoveUndurable));

    /// <summary>A move is given up though the release has been sent.</summary>
    [Breaks("MoveAbort")]
    public static readonly bool ResumeReleased = IsOn(nameof(ResumeReleased));

    // ---------- Stops of all silos together

    /// <summary>Partitions move from one silo to another while all are to stop.</summary>
    [Breaks("StopKeep")]
    public static readonly bool MoveWhileAllStop = IsOn(nameof(MoveWhileAllStop));

    /// <summary>A partition whose owner is dead counts as served, until the owner's journal is sealed.</summary>
    [Breaks("StopOwned")]
    public static readonly bool CountDeadOwners = IsOn(nameof(CountDeadOwners));

    /// <summary>A silo gives its partitions up while turns of others may still send there.</summary>
    [Breaks("StopRest")]
    public static readonly bool GiveUpBeforeAllRest = IsOn(nameof(GiveUpBeforeAllRest));

    private static bool IsOn(string name) => AppContext.TryGetSwitch(BreaksAttribute.SwitchPrefix + name, out bool on) && on;
}

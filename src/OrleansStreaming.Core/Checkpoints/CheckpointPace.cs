namespace OrleansStreaming.Core;

/// <summary>
/// How far apart the checkpoints of a silo's partitions are: as far as what they cost allows, and as near as the time to
/// replay what they do not cover demands. Replaying costs about what processing did, so it is measured in that; what must be
/// read first, in bytes.
/// </summary>
internal sealed class CheckpointPace(SiloOptions options, SiloCounters counters)
{
    /// <summary>What a recovery reads of a journal, checks and gives out in a microsecond, about: of 650 MB from files on two processors it was 430 to 500.</summary>
    private const long ReadBytesPerMicro = 450;
    private long _costMicros;
    private long _busyMicros;

    /// <summary>How long it would take to repeat all that this incarnation has processed, from the journal.</summary>
    public long ReplayMicros => _busyMicros + (counters.JournalBytes / ReadBytesPerMicro);

    /// <summary>The time between two checkpoints of one partition. All have the same, so that together they cost the share that they may.</summary>
    public long IntervalMs => Math.Max(options.CheckpointEveryMs, (long)(_costMicros / options.CheckpointOverhead / 1000));

    /// <summary>
    /// How much of a partition's first interval is taken as over, another part of it for each, by multiples of the golden ratio:
    /// checkpoints of all at once would keep the disk and the threads from everything else.
    /// </summary>
    public long HeadStartMs(int partition) => (long)(partition * 0.6180339887498949 % 1 * options.CheckpointEveryMs);

    /// <summary>The loop has processed events.</summary>
    public void Worked(long micros) => _busyMicros += micros;

    /// <summary>What one checkpoint of some partition is expected to take has changed.</summary>
    public void Changed(long fromMicros, long toMicros) => _costMicros += toMicros - fromMicros;

    /// <summary>By the time that a checkpoint which begins now is committed, replaying all since the last would take too long.</summary>
    /// <param name="replayAtLast"><see cref="ReplayMicros"/> when the last began.</param>
    /// <param name="replayMeanwhile">What was processed while that was on its way. Up to half of what may be: shorter checkpoints than that are not to be had by more of them.</param>
    public bool IsLongToReplay(long replayAtLast, long replayMeanwhile)
    {
        long target = options.RecoveryTargetMs * 1000;
        return ReplayMicros - replayAtLast + Math.Min(replayMeanwhile, target / 2) >= target;
    }
}

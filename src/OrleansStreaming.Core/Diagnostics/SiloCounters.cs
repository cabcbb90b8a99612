namespace OrleansStreaming.Core;

/// <summary>What a silo has done since it started. Written by its loop; read from anywhere, approximately.</summary>
internal sealed class SiloCounters
{
    /// <summary>Turns that took effect, repeats included.</summary>
    public long Events;
    public long Ingested;
    public long Released;
    public long Grains;
    public long Evicted;

    /// <summary>Grains brought back from a checkpoint.</summary>
    public long Reactivated;

    /// <summary>Parts of runs read for that.</summary>
    public long RunReads;

    /// <summary>Live grains taken back because they depended on a lost record.</summary>
    public long RolledBack;

    /// <summary>Events processed again: by grains that had gone back, and in partitions that were taken over.</summary>
    public long Replayed;
    public long Repeats;
    public long OrphansDropped;
    public long Throws;
    public long LeftOut;
    public long Fired;
    public long Checkpoints;

    /// <summary>Written by checkpoints, without what merging wrote again.</summary>
    public long CheckpointBytes;
    public long MergedBytes;

    /// <summary>Taken by checkpoints and merging: of the loop, and of other threads without what storage took.</summary>
    public long CheckpointMicros;
    public long CheckpointedGrains;
    public long JournalBytes;
    public long Moves;
    public long StuckTurns;

    /// <summary>From the time of the event to its release by a sink.</summary>
    public LatencyHistogram Latency { get; } = new();
}

/// <summary>Counts durations in buckets that grow by an eighth of a power of two: exact to about 9 %.</summary>
internal sealed class LatencyHistogram
{
    private readonly long[] _buckets = new long[8 * 48];

    public void Record(long micros)
    {
        ulong value = (ulong)Math.Max(1, micros);
        int power = 63 - System.Numerics.BitOperations.LeadingZeroCount(value);
        int eighth = power >= 3 ? (int)((value >> (power - 3)) & 7) : (int)((value << (3 - power)) & 7);
        _buckets[Math.Min((power * 8) + eighth, _buckets.Length - 1)]++;
    }

    public void AddTo(long[] sums)
    {
        for (int i = 0; i < _buckets.Length; i++)
        {
            sums[i] += _buckets[i];
        }
    }

    /// <summary>The value, in microseconds, that a share of all recorded values does not exceed, over several histograms.</summary>
    public static long Percentile(IEnumerable<LatencyHistogram> histograms, double share)
    {
        long[] sums = new long[8 * 48];
        foreach (LatencyHistogram histogram in histograms)
        {
            histogram.AddTo(sums);
        }

        long total = sums.Sum(), wanted = (long)Math.Ceiling(total * share), seen = 0;
        for (int i = 0; i < sums.Length; i++)
        {
            seen += sums[i];
            if (seen >= wanted && total > 0)
            {
                return (long)((1L << (i / 8)) * (1 + (((i % 8) + 1) / 8.0)));
            }
        }

        return 0;
    }
}

namespace OrleansStreaming.Core;

/// <summary>
/// Which runs are to be merged: neighbours in their order, so that the newest entry of a grain stays the newest. Size-tiered:
/// runs of about one size are merged when there are enough of them, so each entry is rewritten once per tier; and all are,
/// when they take much more room than what is still valid of them.
/// </summary>
internal static class MergePolicy
{
    /// <summary>Runs up to this size are of one tier.</summary>
    private const long SmallestTier = 64 << 10;

    /// <summary>By how much the runs of one tier may differ in size.</summary>
    private const int TierRatio = 4;

    /// <summary>Chooses the runs to merge: the last ones from a place on. The number of runs when none are.</summary>
    /// <param name="runs">The committed runs, oldest first.</param>
    /// <param name="fanIn">So many runs of one tier are merged.</param>
    /// <param name="spaceFactor">All are merged when they take more than this many times the room of the largest.</param>
    public static int ChooseFirst(IReadOnlyList<RunInfo> runs, int fanIn, double spaceFactor)
    {
        long total = 0, largest = 0;
        foreach (RunInfo run in runs)
        {
            total += run.Bytes;
            largest = Math.Max(largest, run.Bytes);
        }

        if (runs.Count > 1 && total > spaceFactor * largest)
        {
            return 0;
        }

        // What is newer than a run of a tier is merged with it, whatever its size; it is the runs of the tier that count.
        for (long tier = SmallestTier, below = 0; ; below = tier, tier *= TierRatio)
        {
            int first = runs.Count, ofTier = 0;
            while (first > 0 && runs[first - 1].Bytes <= tier)
            {
                first--;
                ofTier += runs[first].Bytes > below ? 1 : 0;
            }

            if (ofTier >= Math.Max(2, fanIn))
            {
                return first;
            }

            if (first == 0 || tier > largest)
            {
                return runs.Count;
            }
        }
    }
}

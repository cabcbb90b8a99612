namespace OrleansStreaming.Benchmarks;

/// <summary>When an event was where, as timestamps of the stopwatch.</summary>
/// <param name="Due">It should have been sent.</param>
/// <param name="Sent">The sender wrote it.</param>
/// <param name="Published">The edge of the engine had read it.</param>
/// <param name="Turned">The last operator sent it on.</param>
/// <param name="Released">The sink had it.</param>
internal readonly record struct Passage(long Due, long Sent, long Published, long Turned, long Released);

/// <summary>What events spent their time on, in milliseconds.</summary>
/// <param name="Name">The part of the way.</param>
/// <param name="P50Ms">The median.</param>
/// <param name="P99Ms">The 99th percentile.</param>
/// <param name="SlowestMs">The mean over those events that took longest, one in a hundred: the parts add up to their latency.</param>
internal sealed record Stage(string Name, double P50Ms, double P99Ms, double SlowestMs)
{
    private static readonly string[] Names = ["sender", "pipe", "turns", "flush before", "commit", "release"];

    /// <summary>Divides the way of events at what is known of them and of the commits of their silo, in order.</summary>
    public static Stage[] Of(IReadOnlyList<Passage> events, IReadOnlyList<Commit> commits)
    {
        double[][] parts = [.. events.Select(e => Divide(e, commits))];
        double[] totals = [.. parts.Select(p => p.Sum())];
        double slow = Percentile.Of([.. totals.Order()], 0.99);
        double[][] slowest = [.. parts.Where((_, i) => totals[i] >= slow)];
        return [.. Names.Select((name, i) =>
        {
            double[] sorted = [.. parts.Select(p => p[i]).Order()];
            return new Stage(name, Percentile.Of(sorted, 0.5), Percentile.Of(sorted, 0.99), slowest.Average(p => p[i]));
        })];
    }

    private static double[] Divide(Passage e, IReadOnlyList<Commit> commits)
    {
        // The loop begins a commit after the turns whose outputs it has: the first one after is theirs.
        int low = 0, high = commits.Count - 1;
        while (low < high)
        {
            int middle = (low + high) / 2;
            (low, high) = commits[middle].Started < e.Turned ? (middle + 1, high) : (low, middle);
        }

        long[] marks = [e.Due, e.Sent, e.Published, e.Turned, commits[low].Started, commits[low].Ended, e.Released];
        return [.. marks.Skip(1).Select((m, i) => System.Diagnostics.Stopwatch.GetElapsedTime(marks[i], m).TotalMilliseconds)];
    }
}

/// <summary>An append to a journal, from its call until it was known to be durable: timestamps of the stopwatch.</summary>
internal readonly record struct Commit(long Started, long Ended);

using System.Diagnostics;
using System.Text.Json.Nodes;

namespace OrleansStreaming.Benchmarks;

/// <summary>What is measured together.</summary>
internal sealed record LatencyCase(int FlushMs, bool Strict, int Depth)
{
    public string Mode => Strict ? "strict" : "speculative";

    public override string ToString() => $"{Depth} operators, {Mode}, flushes {(FlushMs == 0 ? "as the disk is" : $"+ {FlushMs} ms")}";
}

/// <summary>What one repetition has given, in milliseconds.</summary>
/// <param name="P50Ms">Of events, from when they should have been sent to their release.</param>
/// <param name="P99Ms">The same.</param>
/// <param name="CommitP50Ms">Of appends to the journal.</param>
/// <param name="CommitP99Ms">The same.</param>
/// <param name="SenderLateP99Ms">How late the sender itself was.</param>
/// <param name="PausedMs">How long the garbage collector had stopped the engine, all in all.</param>
/// <param name="Collections">How often it has run.</param>
/// <param name="AllocatedPerEvent">Bytes that the engine's process has allocated, the edge and the memory of the log included.</param>
/// <param name="Wrong">Events that came never or more than once.</param>
/// <param name="Stages">What the time went to; none with several silos, whose commits are not told apart.</param>
internal sealed record LatencyFigures(double P50Ms, double P99Ms, double CommitP50Ms, double CommitP99Ms, double SenderLateP99Ms, double PausedMs, double Collections, double AllocatedPerEvent, int Wrong, Stage[] Stages)
{
    /// <summary>Of a repetition; its first events are left out.</summary>
    public static LatencyFigures Of(LatencySink sink, int skip, IReadOnlyList<Commit> commits, MemoryUse memory, bool oneJournal)
    {
        Passage[] events = [.. sink.Passages.Skip(skip)];
        double[] total = Sorted(events, e => Stopwatch.GetElapsedTime(e.Due, e.Released)), late = Sorted(events, e => Stopwatch.GetElapsedTime(e.Due, e.Sent));
        double[] commit = Sorted(commits.Where(c => c.Started >= events[0].Due), c => Stopwatch.GetElapsedTime(c.Started, c.Ended));
        return new LatencyFigures(
            Percentile.Of(total, 0.5), Percentile.Of(total, 0.99), Percentile.Of(commit, 0.5), Percentile.Of(commit, 0.99), Percentile.Of(late, 0.99),
            memory.Paused.TotalMilliseconds, memory.Collections, (double)memory.Allocated / events.Length, sink.Wrong, oneJournal ? Stage.Of(events, commits) : []);
    }

    private static double[] Sorted<T>(IEnumerable<T> all, Func<T, TimeSpan> time) => [.. all.Select(each => time(each).TotalMilliseconds).Order()];
}

/// <summary>The medians of a case.</summary>
internal sealed record LatencyResult(LatencyCase Case, LatencyFigures Median, double P50InCommits)
{
    public static LatencyResult Of(LatencyCase what, List<LatencyFigures> runs)
    {
        double Middle(Func<LatencyFigures, double> figure) => Benchmarks.Median.Of(runs, figure);
        Stage[] stages = [.. runs[0].Stages.Select((s, i) => new Stage(s.Name, Middle(r => r.Stages[i].P50Ms), Middle(r => r.Stages[i].P99Ms), Middle(r => r.Stages[i].SlowestMs)))];
        return new LatencyResult(
            what,
            new LatencyFigures(
                Middle(r => r.P50Ms), Middle(r => r.P99Ms), Middle(r => r.CommitP50Ms), Middle(r => r.CommitP99Ms), Middle(r => r.SenderLateP99Ms),
                Middle(r => r.PausedMs), Middle(r => r.Collections), Middle(r => r.AllocatedPerEvent), runs.Sum(r => r.Wrong), stages),
            Middle(r => r.P50Ms / r.CommitP50Ms));
    }

    public JsonObject ToJson() => new()
    {
        ["depth"] = Case.Depth,
        ["mode"] = Case.Mode,
        ["flushMs"] = Case.FlushMs,
        ["p50Ms"] = Math.Round(Median.P50Ms, 4),
        ["p99Ms"] = Math.Round(Median.P99Ms, 4),
        ["commitP50Ms"] = Math.Round(Median.CommitP50Ms, 4),
        ["commitP99Ms"] = Math.Round(Median.CommitP99Ms, 4),
        ["p50InCommits"] = Math.Round(P50InCommits, 3),
        ["senderLateP99Ms"] = Math.Round(Median.SenderLateP99Ms, 4),
        ["pausedMs"] = Math.Round(Median.PausedMs, 2),
        ["collections"] = Median.Collections,
        ["allocatedBytesPerEvent"] = Math.Round(Median.AllocatedPerEvent, 1),
        ["stages"] = new JsonArray([.. Median.Stages.Select(s => new JsonObject
        {
            ["name"] = s.Name,
            ["p50Ms"] = Math.Round(s.P50Ms, 4),
            ["p99Ms"] = Math.Round(s.P99Ms, 4),
            ["slowestMs"] = Math.Round(s.SlowestMs, 4),
        })]),
        ["wrong"] = Median.Wrong,
    };
}

/// <summary>What the process has allocated, and what collecting it took.</summary>
internal readonly record struct MemoryUse(long Allocated, int Collections, TimeSpan Paused)
{
    public static MemoryUse Now => new(GC.GetTotalAllocatedBytes(), GC.CollectionCount(0), GC.GetTotalPauseDuration());

    public static MemoryUse operator -(MemoryUse a, MemoryUse b) => new(a.Allocated - b.Allocated, a.Collections - b.Collections, a.Paused - b.Paused);
}

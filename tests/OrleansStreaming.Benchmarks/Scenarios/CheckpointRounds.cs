using System.Text.Json.Nodes;

namespace OrleansStreaming.Benchmarks;

/// <summary>
/// What checkpoints of large states write: rounds of one event for each state and one checkpoint, so that it is known
/// exactly what has changed.
/// </summary>
internal sealed class CheckpointRounds(int pageBytes, int rounds)
{
    private readonly List<Size> _sizes = [];

    /// <summary>Bytes written per changed byte, where that is most.</summary>
    public double WrittenPerChanged => _sizes.Max(s => s.Written);

    public double MergedPerChanged => _sizes.Max(s => s.Merged);

    public long WrongStates => _sizes.Sum(s => s.WrongStates);

    public JsonArray ToJson() => new([.. _sizes.Select(s => s.ToJson())]);

    public IEnumerable<string[]> Rows => _sizes.Select(s => new[] { $"{s.Mib:N0}", $"{s.Written:N2}", $"{s.Merged:N2}" });

    /// <summary>Begins anew with states of some size together, which are written whole once, before anything is counted.</summary>
    public async Task MeasureAsync(string folder, int mib, PipelineOptions options, CancellationToken cancellationToken)
    {
        int pages = (int)Math.Max(1, ((long)mib << 20) / pageBytes);
        await using PageWork work = await PageWork.StartAsync(folder, pages, pageBytes, pages, options, cancellationToken);
        await work.FeedAsync(pages, cancellationToken);
        await work.Bench.CheckpointAsync(cancellationToken);
        long mergedBefore = work.Bench.MergedBytes, writtenBefore = work.Bench.CheckpointBytes;
        int done = 0;
        await Progress.ShowAsync($"{mib:N0} MiB of large states: rounds", rounds, () => done, async () =>
        {
            for (; done < rounds; done++)
            {
                await work.FeedAsync(pages, cancellationToken);
                await work.Bench.CheckpointAsync(cancellationToken);
            }

            return 0;
        });
        double changed = (double)work.ChangedBytesPerEvent * pages * rounds;
        long written = work.Bench.CheckpointBytes - writtenBefore, merged = work.Bench.MergedBytes - mergedBefore;
        _sizes.Add(new Size(mib, written / changed, merged / changed, await work.CountWrongStatesAsync(cancellationToken)));
    }

    private sealed record Size(int Mib, double Written, double Merged, long WrongStates)
    {
        public JsonObject ToJson() => new()
        {
            ["mib"] = Mib,
            ["writtenBytesPerChangedByte"] = Math.Round(Written, 4),
            ["mergedBytesPerChangedByte"] = Math.Round(Merged, 4),
        };
    }
}

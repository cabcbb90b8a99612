namespace OrleansStreaming.Core.Tests.Checkpoints;

/// <summary>Long lives of partitions, of which only the sizes of runs count: what merging costs and what it leaves.</summary>
public class MergePolicyTests
{
    private const int FanIn = 12;
    private const double SpaceFactor = 4;
    private const long EntryBytes = 30;

    /// <summary>Each checkpoint has a random part of the grains.</summary>
    [Theory]
    [InlineData(1_000_000, 500_000, 1.6)]
    [InlineData(1_000_000, 100_000, 2.1)]
    [InlineData(1_000_000, 10_000, 3.2)]
    [InlineData(1_000_000, 1_000, 4.2)]
    [InlineData(100, 50, 2)]
    public void Merging_writes_little_and_leaves_few_runs(int grains, int perCheckpoint, double mostWritten)
    {
        var runs = new List<RunInfo>();
        double changed = 0, written = 0, mostSpace = 0;
        int mostRuns = 0;
        double live = 0;
        for (int i = 0; i < 3000; i++)
        {
            double entries = perCheckpoint;
            live = Union(grains, live, entries);
            runs.Add(new RunInfo($"{i}", (long)(entries * EntryBytes), (long)entries));
            changed += entries;
            written += entries;
            int first = MergePolicy.ChooseFirst(runs, FanIn, SpaceFactor);
            if (first < runs.Count)
            {
                double union = 0;
                foreach (RunInfo run in runs.Skip(first))
                {
                    union = Union(grains, union, run.Grains);
                }

                runs.RemoveRange(first, runs.Count - first);
                runs.Add(new RunInfo($"m{i}", (long)(union * EntryBytes), (long)union));
                written += union;
            }

            mostRuns = Math.Max(mostRuns, runs.Count);
            mostSpace = Math.Max(mostSpace, runs.Sum(r => r.Grains) / live);
        }

        (written / changed).ShouldBeLessThan(mostWritten);
        mostRuns.ShouldBeLessThan(40);
        mostSpace.ShouldBeLessThan(SpaceFactor + 1.1);
    }

    [Fact]
    public void One_run_is_never_merged_and_neighbours_at_the_end_are()
    {
        MergePolicy.ChooseFirst([new RunInfo("a", 100, 1)], 2, 0.1).ShouldBe(1);
        MergePolicy.ChooseFirst([], 2, 1).ShouldBe(0);
        RunInfo[] runs = [new RunInfo("a", 1 << 30, 1), .. Enumerable.Range(0, 3).Select(i => new RunInfo($"{i}", 1000, 1))];
        MergePolicy.ChooseFirst(runs, 3, 4).ShouldBe(1);
        MergePolicy.ChooseFirst(runs, 4, 4).ShouldBe(4);
    }

    private static double Union(double grains, double some, double others) => grains - ((grains - some) * (grains - others) / grains);
}

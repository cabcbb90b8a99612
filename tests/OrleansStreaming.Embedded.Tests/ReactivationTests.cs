namespace OrleansStreaming.Embedded.Tests;

/// <summary>What it takes to bring many grains back after a failure.</summary>
public class ReactivationTests
{
    private const int Meters = 20_000;

    [Fact]
    public async Task A_long_history_reads_each_part_of_a_checkpoint_about_once_without_any_cache()
    {
        using var folder = new TestFolder();
        await using TestApp app = await Metering.StartAsync(folder.Path);
        app.Engine.Tune = o => o with { CheckpointEveryMs = 1L << 40, RecoveryTargetMs = 1L << 30, RunCacheBytes = 0, RunWindowBytes = 16 << 10 };
        await app.KillAsync("silo0"); // The next one goes by that.
        long[] meters = [.. Enumerable.Range(0, Meters).Select(i => (long)i)];
        await PublishAsync(app, meters);
        await TestApp.UntilAsync(() => app.Engine.Hosts[0].AskAsync(s => s.CheckpointAll()), "everything is checkpointed");
        new Random(1).Shuffle(meters);
        await PublishAsync(app, meters);

        await app.KillAsync("silo0");
        await app.QuietAsync();

        (long reads, long back) = await app.Engine.Hosts[0].AskAsync(s => (s.Counters.RunReads, s.Counters.Reactivated));
        back.ShouldBe(Meters);
        long bytes = new DirectoryInfo(folder.Path).EnumerateFiles("*", SearchOption.AllDirectories).Where(f => f.FullName.Contains("/runs/", StringComparison.Ordinal)).Sum(f => f.Length);
        reads.ShouldBeInRange(10, 2 * (bytes / (16 << 10)));
        Dictionary<string, string> states = await app.StatesAsync("Meter");
        states.Count.ShouldBe(Meters);
        states.Values.Distinct().Count().ShouldBe(Meters, "each has its own sum");
        states.Values.ShouldAllBe(s => s.StartsWith("{\"count\":2,"));
    }

    private static async Task PublishAsync(TestApp app, long[] meters)
    {
        foreach (long[] some in meters.Chunk(2000))
        {
            (await app.Engine.PublishAsync("ticks", some.Select(m => new Tick(m, m)), TestApp.Cancel)).Outcome.ShouldBe(IngestOutcome.Durable);
        }

        await app.QuietAsync();
    }
}

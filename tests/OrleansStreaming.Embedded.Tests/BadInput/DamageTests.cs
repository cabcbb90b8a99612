using OrleansStreaming.Core;
using OrleansStreaming.Engine;

namespace OrleansStreaming.Embedded.Tests.BadInput;

/// <summary>Files that were damaged or lost while nobody was looking: the process says which, stays up, serves the rest, and goes on once they are back.</summary>
public class DamageTests
{
    [Fact]
    public async Task A_damaged_frame_is_named_and_nothing_is_made_up_in_its_place()
    {
        using var folder = new TestFolder();
        var sink = new MemorySink<PageReport>();
        Click[] clicks = await LeaveUncheckpointedAsync(folder.Path, sink, padding: 0);
        string segment = StoredData.Segments(folder.Path)[0];
        await ShouldComeRightAsync(folder.Path, sink, clicks, StoredData.Damage(segment), segment, "is damaged at byte");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_missing_segment_is_named_and_nothing_is_made_up_in_its_place(bool last)
    {
        using var folder = new TestFolder();
        var sink = new MemorySink<PageReport>();
        Click[] clicks = await LeaveUncheckpointedAsync(folder.Path, sink, padding: 900);
        string[] segments = StoredData.Segments(folder.Path);
        segments.Length.ShouldBeGreaterThan(2);
        string segment = last ? segments[^1] : segments[0];
        await ShouldComeRightAsync(folder.Path, sink, clicks, StoredData.Remove(segment), segment, "should exist");
    }

    [Fact]
    public async Task A_manifest_of_rubbish_is_named_and_the_other_partitions_are_served()
    {
        using var folder = new TestFolder();
        var sink = new MemorySink<PageReport>();
        Click[] clicks = await LeaveUncheckpointedAsync(folder.Path, sink, padding: 0);
        string manifest = StoredData.Record(folder.Path, "partitions/views-2");
        await ShouldComeRightAsync(
            folder.Path, sink, clicks, StoredData.Overwrite(manifest, "rubbish, but more of it than a header has"u8.ToArray()), manifest, "is damaged at byte", served: "clicks-1");
    }

    [Fact]
    public async Task A_silo_that_waits_for_a_damaged_journal_takes_over_what_lies_elsewhere()
    {
        using var folder = new TestFolder();
        var sink = new MemorySink<PageReport>();
        Click[] clicks = await LeaveUncheckpointedAsync(folder.Path, sink, padding: 900, silos: 2);

        // Not the last of its journal, whose end must be found before it can be read.
        string[] segments = StoredData.Segments(folder.Path);
        string segment = segments[0];
        Path.GetDirectoryName(segments[1]).ShouldBe(Path.GetDirectoryName(segment));
        Action undo = StoredData.Damage(segment);
        await using TestApp app = await TestApp.StartAsync(
            folder.Path, s => ClickCounting.Topology(s, sink), o => (o.Silos, o.RestartDelay) = (2, TimeSpan.FromHours(1)));
        await StoredData.UntilProblemAsync(app, segment, "is damaged at byte");
        SiloHost? waits = null, dies = null;
        string[] served = [];
        await TestApp.UntilAsync(
            async () =>
            {
                (SiloHost Host, string[] Served)[] silos = await Task.WhenAll(app.Engine.Hosts.Select(async h => (h, await ServedAsync(h))));
                Array.Sort(silos, (a, b) => a.Served.Length - b.Served.Length);
                (waits, dies, served) = (silos[0].Host, silos[1].Host, silos[1].Served);
                return served.Length > silos[0].Served.Length;
            },
            "one silo serves what lies in the other journal");
        await app.KillAsync(dies!.Name);
        await TestApp.UntilAsync(async () => served.All((await ServedAsync(waits!)).Contains), $"{string.Join(", ", served)} are served by the one that waits");
        dies.Start();
        undo();
        await app.QuietAsync();
        await ClickCounting.ShouldMatchAsync(app.StatesAsync, sink, clicks);

        static async Task<string[]> ServedAsync(SiloHost silo) => await silo.AskAsync(s => s.Ownerships.Active.Select(p => p.Name).ToArray()) ?? [];
    }

    [Theory]
    [InlineData("cluster")]
    [InlineData("deployment")]
    public async Task A_record_cut_short_keeps_the_engine_from_starting_and_says_so_at_once(string name)
    {
        using var folder = new TestFolder();
        var sink = new MemorySink<PageReport>();
        Click[] clicks = await LeaveUncheckpointedAsync(folder.Path, sink, padding: 0);
        string record = StoredData.Record(folder.Path, name);
        Action undo = StoredData.Overwrite(record, File.ReadAllBytes(record)[..50]);
        CorruptDataException error = await Should.ThrowAsync<CorruptDataException>(() => TestApp.StartAsync(folder.Path, s => ClickCounting.Topology(s, sink)));
        error.Message.ShouldContain(record);
        error.Message.ShouldContain("is damaged at byte");

        // The folder has been let go of, or this would be refused.
        undo();
        await using TestApp app = await TestApp.StartAsync(folder.Path, s => ClickCounting.Topology(s, sink));
        await app.QuietAsync();
        await ClickCounting.ShouldMatchAsync(app.StatesAsync, sink, clicks);
    }

    [Fact]
    public async Task A_second_engine_on_one_folder_is_refused_at_once_and_the_first_goes_on()
    {
        using var folder = new TestFolder();
        var sink = new MemorySink<PageReport>();
        await using TestApp app = await TestApp.StartAsync(folder.Path, s => ClickCounting.Topology(s, sink));
        StorageException error = await Should.ThrowAsync<StorageException>(() => TestApp.StartAsync(folder.Path, s => ClickCounting.Topology(s, sink)));
        error.Message.ShouldContain(folder.Path);
        error.Message.ShouldContain($"in use by process {Environment.ProcessId}");
        Click[] clicks = ClickCounting.Clicks(0, 200);
        await app.Engine.PublishAsync("clicks", clicks, TestApp.Cancel);
        await app.QuietAsync();
        await ClickCounting.ShouldMatchAsync(app.StatesAsync, sink, clicks);
    }

    /// <summary>A process that ended with everything in its journal and nothing in checkpoints.</summary>
    private static async Task<Click[]> LeaveUncheckpointedAsync(string folder, MemorySink<PageReport> sink, int padding, int silos = 1)
    {
        await using TestApp app = await TestApp.StartAsync(
            folder, s => ClickCounting.Topology(s, sink), o => (o.CheckpointEvery, o.Silos) = (TimeSpan.FromHours(1), silos));
        await TestApp.UntilAsync(
            async () =>
            {
                int[] served = await Task.WhenAll(app.Engine.Hosts.Select(h => h.AskAsync(silo => silo.Ownerships.Active.Count)));
                return app.Engine.AllServed && served.Min() * silos * 2 > served.Sum();
            },
            "each silo has its part: nothing comes into one journal and lies in another after a move");
        List<Click> clicks = [];
        for (int i = 0; i < 20; i++)
        {
            Click[] some = [.. ClickCounting.Clicks(i * 100, 100).Select(c => c with { Page = c.Page.PadRight(padding, '.') })];
            (await app.Engine.PublishAsync("clicks", some, "p", i + 1, TestApp.Cancel)).Outcome.ShouldBe(IngestOutcome.Durable);
            clicks.AddRange(some);
        }

        await app.QuietAsync();
        return [.. clicks];
    }

    private static async Task ShouldComeRightAsync(
        string folder, MemorySink<PageReport> sink, Click[] clicks, Action undo, string where, string what, string? served = null)
    {
        await using TestApp app = await TestApp.StartAsync(folder, s => ClickCounting.Topology(s, sink), o => o.Silos = 2);
        EngineHealth health = await StoredData.UntilProblemAsync(app, where, what);
        health.Ready.ShouldBeFalse();
        if (served is not null)
        {
            await TestApp.UntilAsync(
                async () => (await Task.WhenAll(app.Engine.Hosts.Select(h => h.AskAsync(s => s.Ownerships.Active.Any(p => p.Name == served))))).Any(s => s), $"{served} is served");
        }

        undo();
        await app.QuietAsync();
        await ClickCounting.ShouldMatchAsync(app.StatesAsync, sink, clicks);
        (await app.Engine.GetHealthAsync()).Ready.ShouldBeTrue();

        // A warning says as much as health does, and is not repeated without end.
        app.Log.Lines.Where(l => !l.Contains(" Debug:")).Count(l => l.Contains(what)).ShouldBeInRange(1, 40);
    }
}

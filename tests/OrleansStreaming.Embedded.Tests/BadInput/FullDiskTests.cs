namespace OrleansStreaming.Embedded.Tests.BadInput;

/// <summary>A real file system without space: what was acknowledged stays, the rest waits, and all goes on by itself.</summary>
public class FullDiskTests
{
    [Fact]
    public async Task A_full_disk_is_waited_out()
    {
        using var folder = new TestFolder();
        if (!OperatingSystem.IsLinux() || !StoredData.Run("mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", folder.Path))
        {
            Assert.Skip("A small file system cannot be mounted here: that takes Linux and its permission.");
        }

        try
        {
            await FillAndFreeAsync(folder);
        }
        finally
        {
            StoredData.Run("umount", "-l", folder.Path);
        }
    }

    private static async Task FillAndFreeAsync(TestFolder folder)
    {
        var sink = new MemorySink<PageReport>();
        await using TestApp app = await TestApp.StartAsync(
            folder["data"], s => ClickCounting.Topology(s, sink), o => o.Silos = 2, f => f.SpareSegments = 1);
        List<Click> clicks = [];
        await PublishAsync(0);
        Fill(folder["ballast"]);

        // One by one, until they wait: the journals have some room of their own.
        int round = 1;
        Task publishing = PublishAsync(round++);
        while (await Task.WhenAny(publishing, Task.Delay(TimeSpan.FromSeconds(2), TestApp.Cancel)) == publishing)
        {
            await publishing;
            round.ShouldBeLessThan(100);
            publishing = PublishAsync(round++);
        }

        EngineHealth health = await StoredData.UntilProblemAsync(app, "No space left");
        health.Ready.ShouldBeFalse();
        publishing.IsCompleted.ShouldBeFalse();
        File.Delete(folder["ballast"]);
        await publishing;
        await app.QuietAsync();
        await ClickCounting.ShouldMatchAsync(app.StatesAsync, sink, clicks);

        // Also when nothing more comes in.
        await TestApp.UntilAsync(async () => await app.Engine.GetHealthAsync() is { Ready: true, Problems: [] }, "ready again, and nothing to complain about");

        async Task PublishAsync(int round)
        {
            Click[] some = [.. ClickCounting.Clicks(round * 500, 500).Select(c => c with { Page = c.Page.PadRight(500, '.') })];
            while ((await app.Engine.PublishAsync("clicks", some, "p", round + 1, TestApp.Cancel)).Outcome == IngestOutcome.Busy)
            {
                await Task.Delay(20, TestApp.Cancel);
            }

            clicks.AddRange(some);
        }
    }

    private static void Fill(string file)
    {
        using FileStream stream = File.Create(file, bufferSize: 0);
        byte[] block = new byte[4096];
        try
        {
            while (true)
            {
                stream.Write(block);
            }
        }
        catch (IOException)
        {
            // Full.
        }
    }
}

using OrleansStreaming.Core;

namespace OrleansStreaming.Embedded.Tests;

/// <summary>Runs that an owner wrote and did not come to name before it died.</summary>
public class LeftOverRunTests
{
    [Fact]
    public async Task The_next_owner_deletes_what_earlier_ones_left_over_and_nothing_else()
    {
        using var folder = new TestFolder();
        await using TestApp app = await Metering.StartAsync(folder.Path);
        await app.Engine.PublishAsync("ticks", Enumerable.Range(0, 500).Select(i => new Tick(i, i)), TestApp.Cancel);
        await app.QuietAsync();
        await TestApp.UntilAsync(() => app.Engine.Hosts[0].AskAsync(s => s.CheckpointAll()), "everything is checkpointed");
        string[] named = await RunsAsync();
        named.ShouldNotBeEmpty();

        string leftOver = "ticks-0/1-99999", ofALaterOwner = "ticks-0/77-1", ofAnother = "ticks-00/1-1";
        foreach (string run in new[] { leftOver, ofALaterOwner, ofAnother })
        {
            await app.Engine.Storage.WriteRunAsync(run, new byte[100], TestApp.Cancel);
        }

        await app.KillAsync("silo0");
        await TestApp.UntilAsync(async () => !(await RunsAsync()).Contains(leftOver), "what was left over is gone");
        (await RunsAsync()).ShouldContain(ofALaterOwner);
        (await RunsAsync()).ShouldContain(ofAnother);

        await app.KillAsync("silo0");
        await app.QuietAsync();
        (await app.StatesAsync("Meter")).Count.ShouldBe(500);

        async Task<string[]> RunsAsync() => [.. await app.Engine.Storage.ListRunsAsync("", TestApp.Cancel)];
    }
}

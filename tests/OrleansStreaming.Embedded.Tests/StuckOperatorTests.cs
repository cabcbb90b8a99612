namespace OrleansStreaming.Embedded.Tests;

/// <summary>Never returns from one event: blocks its thread, or awaits what never comes.</summary>
public sealed class Stubborn : OperatorGrain<Tally>, IConsume<Visit>
{
    public static readonly ManualResetEventSlim Release = new();

    public async ValueTask OnEvent(Visit visit, EventContext context)
    {
        if (visit.User == "blocks")
        {
            Release.Wait(TestContext.Current.CancellationToken);
        }

        if (visit.User == "awaits")
        {
            await Task.Delay(Timeout.Infinite, context.CancellationToken);
        }

        State.Count++;
    }
}

public class StuckOperatorTests
{
    [Theory]
    [InlineData("awaits")]
    [InlineData("blocks")]
    public async Task A_turn_that_never_returns_is_reported_and_holds_up_nobody_else(string how)
    {
        Stubborn.Release.Reset();
        using var folder = new TestFolder();
        await using TestApp app = await TestApp.StartAsync(
            folder.Path,
            s => s.DefaultPartitions(1)
                .AddStream<Visit>("visits", keyedBy: v => v.User)
                .AddOperator<Stubborn>(from: "visits", configure: o => o.TurnTimeout = TimeSpan.FromMilliseconds(300)));
        await app.Engine.PublishAsync("visits", [new Visit("u1", 1)], "p", 1, TestApp.Cancel);
        await app.Engine.PublishAsync("visits", [new Visit(how, 1)], "p", 2, TestApp.Cancel);
        await app.Engine.PublishAsync("visits", [new Visit("u1", 2), new Visit("u2", 3)], "p", 3, TestApp.Cancel);
        await TestApp.UntilAsync(async () => (await app.Engine.GetHealthAsync()).StuckTurns.Any(t => t.Key == how), "the stuck turn is reported");
        System.Text.Encoding.UTF8.GetString((await app.Engine.GetStateAsync(nameof(Stubborn), "u1", stable: true, TestApp.Cancel))!.Json.Span).ShouldBe("{\"count\":2,\"sum\":0}");
        System.Text.Encoding.UTF8.GetString((await app.Engine.GetStateAsync(nameof(Stubborn), "u2", stable: true, TestApp.Cancel))!.Json.Span).ShouldBe("{\"count\":1,\"sum\":0}");
        Stubborn.Release.Set();
        if (how == "blocks")
        {
            await app.QuietAsync();
            (await app.StatesAsync(nameof(Stubborn)))["blocks"].ShouldBe("{\"count\":1,\"sum\":0}");
        }
    }
}

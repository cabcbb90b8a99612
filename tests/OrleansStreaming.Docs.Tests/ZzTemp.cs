namespace OrleansStreaming.Docs.Tests;
public sealed class ZzTemp
{
    [Fact]
    public async Task Retired_stream_comes_back()
    {
        using var folder = new TestFolder();
        StreamingBuilder With(StreamingBuilder s) => Without(s)
            .AddStream<Examples.LateOperator.Sale>("sales", x => x.Shop, o => o.Partitions(1).Retain(TimeSpan.FromDays(1), 1 << 30));
        StreamingBuilder Without(StreamingBuilder s) => s
            .AddStream<Examples.LateOperator.Sale>("other", x => x.Shop, o => o.Partitions(1))
            .AddOperator<Examples.LateOperator.Takings>(from: "other", configure: o => o.OnFailure = FailurePolicy.Stop);
        await using (ExampleApp app = await ExampleApp.StartAsync(folder.Path, With, silos: 1))
        {
            await app.Engine.PublishAsync("sales", Enumerable.Range(0, 50).Select(i => new Examples.LateOperator.Sale($"s{i}", i)), "p", 1, ExampleApp.Cancel);
            await app.QuietAsync();
            await app.StopAsync();
        }
        await using (ExampleApp app = await ExampleApp.StartAsync(folder.Path, Without, silos: 1))
        {
            for (int i = 0; i < 80; i++)
            {
                await app.Engine.PublishAsync("other", [new Examples.LateOperator.Sale("x", i)], ExampleApp.Cancel);
                await Task.Delay(100, ExampleApp.Cancel);
            }
            await app.StopAsync();
        }
        Console.WriteLine("JOURNALS " + string.Join(" ", Directory.GetDirectories(folder["journals"]).Select(Path.GetFileName)));
        await using ExampleApp back = await ExampleApp.StartAsync(folder.Path, s => With(s).AddOperator<Examples.LateOperator.Largest>(from: "sales"), silos: 1);
        await back.QuietAsync();
        (await back.StateAsync("Largest", "s7")).ShouldBe("""{"amount":7}""");
    }

    [Fact]
    public async Task Idle_restarts()
    {
        using var folder = new TestFolder();
        for (int i = 0; i < 4; i++)
        {
            await using ExampleApp app = await ExampleApp.StartAsync(folder.Path, Examples.LateOperator.Topology.First, silos: 1);
            await app.Engine.PublishAsync("sales", [new Examples.LateOperator.Sale("x", i)], ExampleApp.Cancel);
            await Task.Delay(6500, ExampleApp.Cancel);
            await app.StopAsync();
        }
        Console.WriteLine("IDLE " + string.Join(" ", Directory.GetDirectories(folder["journals"]).Select(Path.GetFileName)) + " " + new DirectoryInfo(folder["journals"]).EnumerateFiles("*", SearchOption.AllDirectories).Sum(f => f.Length));
        Console.WriteLine(File.ReadAllText(folder["records/partitions%2Ftakings.deadletters-0".Replace("takings", "%54akings")]));
    }
}

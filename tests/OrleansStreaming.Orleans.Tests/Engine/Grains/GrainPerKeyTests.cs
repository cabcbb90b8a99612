using OrleansStreaming.Testing;

namespace OrleansStreaming.Clustering.Tests.Grains;

/// <summary>Turns that run in a grain of Orleans for each key come to the same as turns in the loop.</summary>
public sealed class GrainPerKeyTests
{
    [Theory]
    [InlineData(OperatorHosting.Dense, OperatorHosting.Dense)]
    [InlineData(OperatorHosting.GrainPerKey, OperatorHosting.GrainPerKey)]
    [InlineData(OperatorHosting.GrainPerKey, OperatorHosting.Dense)]
    public async Task A_topology_comes_to_the_same_in_either_hosting(OperatorHosting users, OperatorHosting pages)
    {
        var sink = new MemorySink<PageReport>();
        await using StreamingCluster cluster = await StreamingCluster.StartAsync(2, new InMemoryStorage(), s => s
            .DefaultPartitions(3)
            .AddStream<Click>("clicks", keyedBy: c => c.User)
            .AddStream<View>("views", keyedBy: v => v.Page)
            .AddStream<PageReport>("reports", keyedBy: r => r.Page)
            .AddOperator<ClicksByUser>(from: "clicks", to: "views", configure: o => o.Hosting = users)
            .AddOperator<ViewsByPage>(from: "views", to: "reports", configure: o => o.Hosting = pages)
            .AddSink<PageReport>(from: "reports", _ => sink));
        Click[] clicks = [.. Enumerable.Range(0, 1500).Select(i => new Click($"user{i * 7 % 40}", $"/page/{i * 11 % 25}", i))];
        for (int i = 0; i < clicks.Length; i += 100)
        {
            await cluster.Engine(i / 100 % 2).PublishAsync("clicks", clicks[i..(i + 100)], "p", i + 1, StreamingCluster.Cancel);
        }

        await cluster.QuietAsync();
        (await cluster.StatesAsync(nameof(ClicksByUser))).ShouldBe(States(clicks, c => c.User), ignoreOrder: true);
        (await cluster.StatesAsync(nameof(ViewsByPage))).ShouldBe(States(clicks, c => c.Page), ignoreOrder: true);
        foreach (IGrouping<string, Click> page in clicks.GroupBy(c => c.Page))
        {
            sink.Events.Where(e => e.Event.Page == page.Key).Select(e => e.Event.Count).ShouldBe(Enumerable.Range(1, page.Count()).Select(i => (long)i));
        }

        sink.Events.Count.ShouldBe(clicks.Length);
    }

    [Fact]
    public async Task A_turn_runs_in_the_grain_of_its_operator_and_key()
    {
        await using MeterCluster run = await MeterCluster.StartAsync<Meter>(2);
        await run.PublishAsync(400, meters: 20);
        await run.ShouldMatchAsync<Meter>(meters: 20);
        run.Turns.Ran.Count.ShouldBeGreaterThanOrEqualTo(400);
        run.Turns.Ran.ShouldAllBe(turn => turn.Grain == $"streaming.operator/Meter/{turn.Key}");
        (await run.ActivationsAsync()).ShouldBe(20);
    }

    [Fact]
    public async Task Turns_that_throw_or_wait_are_undone_and_left_out_as_ever()
    {
        await using MeterCluster run = await MeterCluster.StartAsync<Moody>(2, o => o.MaxAttempts = 2);
        await run.PublishAsync(500, meters: 15);
        await run.ShouldMatchAsync(nameof(Moody), 15, numbers =>
        {
            int[] taken = [.. numbers.Where(n => n % 10 != 3)];
            return $$"""{"count":{{taken.Length}},"sum":{{taken.Sum()}}}""";
        });
    }

    [Fact]
    public async Task Timers_fire_in_grains()
    {
        await using MeterCluster run = await MeterCluster.StartAsync<Alarmed>(1);
        await run.PublishAsync(200, meters: 20);
        await StreamingCluster.UntilAsync(
            async () => (await run.Cluster.StatesAsync(nameof(Alarmed))).Values.All(s => s == """{"count":10,"sum":10}"""), "all timers have fired");
    }

    [Fact]
    public async Task A_killed_silo_loses_no_turn_and_repeats_none()
    {
        await using MeterCluster run = await MeterCluster.StartAsync<Meter>(3);
        await run.PublishAsync(1000, meters: 60);
        Task publishing = run.PublishAsync(4000, meters: 60);
        await run.Cluster.KillAsync(run.Cluster.Silos[2]);
        await publishing;
        await run.PublishAsync(500, meters: 60, silo: 1);
        await run.ShouldMatchAsync<Meter>(meters: 60);
    }

    [Fact]
    public async Task Partitions_that_move_take_their_grains_along()
    {
        await using MeterCluster run = await MeterCluster.StartAsync<Meter>(1, o => o.OnFailure = FailurePolicy.Skip); // No stream of dead letters: four partitions.
        await run.PublishAsync(500, meters: 50);
        Task publishing = run.PublishAsync(2000, meters: 50);
        await run.Cluster.AddSiloAsync();
        await publishing;

        // A grain whose partition moves after its last event has no activation: its next event brings one up.
        await StreamingCluster.UntilAsync(async () => await run.SharesAsync() is [2, 2], "each silo has its share of the partitions");
        await run.PublishAsync(500, meters: 50, silo: 1);
        await run.ShouldMatchAsync<Meter>(meters: 50);
        (await run.Cluster.Engine(0).GetSilosAsync())[0].RolledBack.ShouldBe(0);
        await StreamingCluster.UntilAsync(async () => await run.ActivationsAsync() == 50, "each key has one activation again");
    }

    [Fact]
    public async Task Recorded_calls_ask_other_grains_and_count_each_answer_once()
    {
        await using MeterCluster run = await MeterCluster.StartAsync<Billed>(3, o => o.MaxAttempts = 100);
        await run.PublishAsync(300, meters: 30);
        Task publishing = run.PublishAsync(900, meters: 30);
        await run.Cluster.KillAsync(run.Cluster.Silos[2]);
        await publishing;
        await run.ShouldMatchAsync(nameof(Billed), 30, numbers => $$"""{"count":{{numbers.Count}},"sum":{{numbers.Sum() * 3}}}""");
    }

    private static Dictionary<string, string> States(Click[] clicks, Func<Click, string> key) =>
        clicks.GroupBy(key).ToDictionary(g => g.Key, g => $$"""{"count":{{g.Count()}},"sum":{{g.Sum(c => c.Number)}}}""");
}

namespace OrleansStreaming.Clustering.Tests.Grains;

/// <summary>Where few keys may stay in memory, those that came just now share activations.</summary>
public sealed class SharedActivationTests
{
    private const int Few = 50;

    [Fact]
    public async Task Keys_that_come_and_go_share_activations_and_those_that_stay_get_their_own()
    {
        await using MeterCluster run = await MeterCluster.StartAsync<Meter>(2, o => o.MaxResident = 10_000);
        await run.PublishAsync(Few * SharedSeats.TurnsPerKey, meters: Few);
        await run.ShouldMatchAsync<Meter>(meters: Few);
        run.Turns.Ran.ShouldContain(turn => turn.Grain!.StartsWith("streaming.operator/Meter#"));
        run.Turns.Ran.ShouldAllBe(turn => turn.Grain!.StartsWith("streaming.operator/Meter#") || turn.Grain == $"streaming.operator/Meter/{turn.Key}");
        run.Turns.Ran.Clear();
        await run.PublishAsync(Few * 3, meters: Few);
        await run.ShouldMatchAsync<Meter>(meters: Few);
        run.Turns.Ran.ShouldAllBe(turn => turn.Grain == $"streaming.operator/Meter/{turn.Key}");
        (await run.ActivationsAsync()).ShouldBe(Few);
    }

    [Fact]
    public async Task A_turn_that_waits_holds_up_no_other_key()
    {
        await using MeterCluster run = await MeterCluster.StartAsync<Meter>(1, o => o.MaxResident = 10_000);
        run.Turns.HeldNumber = 7;
        await run.PublishAsync(Few, meters: Few);
        await run.Turns.Entered.Task.WaitAsync(TimeSpan.FromSeconds(20), StreamingCluster.Cancel);
        await StreamingCluster.UntilAsync(() => Task.FromResult(run.Turns.Ran.Count == Few), "all others have had their turns");
        run.Turns.Gate.SetResult();
        await run.ShouldMatchAsync<Meter>(meters: Few);
    }

    [Fact]
    public async Task Turns_behind_one_that_blocks_get_activations_of_their_own()
    {
        await using MeterCluster run = await MeterCluster.StartAsync<Meter>(1, o => o.MaxResident = 10_000);
        run.Turns.BlockedNumber = 0;
        await run.PublishAsync(Few, meters: Few);
        await run.Turns.Entered.Task.WaitAsync(TimeSpan.FromSeconds(20), StreamingCluster.Cancel);
        await StreamingCluster.UntilAsync(() => Task.FromResult(run.Turns.Ran.Count == Few), "all others have had their turns");
        run.Turns.Ran.ShouldContain(turn => turn.Grain == $"streaming.operator/Meter/{turn.Key}");
        run.Turns.Gate.SetResult();
        await run.ShouldMatchAsync<Meter>(meters: Few);
    }

    [Fact]
    public async Task Shared_activations_that_Orleans_collects_come_back()
    {
        await using MeterCluster run = await MeterCluster.StartAsync<Meter>(1, o => o.MaxResident = 10);
        for (int round = 0; round < 4; round++)
        {
            await run.PublishAsync(Few, meters: Few);
            await run.ShouldMatchAsync<Meter>(meters: Few);
            await run.Cluster.Client.GetGrain<IManagementGrain>(0).ForceActivationCollection(TimeSpan.Zero);
        }
    }
}

using Orleans.TestingHost;

namespace OrleansStreaming.Clustering.Tests.Grains;

/// <summary>Grains leave memory and come back, whoever wants them to leave, and whenever.</summary>
public sealed class GrainMemoryTests
{
    [Fact]
    public async Task What_Orleans_collects_leaves_the_engine_too_and_comes_back_from_its_checkpoint()
    {
        await using MeterCluster run = await MeterCluster.StartAsync<Meter>(2, collectionAge: TimeSpan.FromMilliseconds(400));
        await run.PublishAsync(300, meters: 30);
        await StreamingCluster.UntilAsync(() => Task.FromResult(Resident(run) == 0), "all grains have left memory, long before IdleAfter");
        (await run.ActivationsAsync()).ShouldBe(0);
        await run.PublishAsync(300, meters: 30, silo: 1);
        await run.ShouldMatchAsync<Meter>(meters: 30);
        run.Cluster.Silos.Sum(s => Reactivated(s)).ShouldBeGreaterThanOrEqualTo(30);
    }

    [Fact]
    public async Task What_is_used_all_the_time_is_not_collected()
    {
        await using MeterCluster run = await MeterCluster.StartAsync<Meter>(1, collectionAge: TimeSpan.FromSeconds(2));
        long until = Environment.TickCount64 + 5000;
        while (Environment.TickCount64 < until)
        {
            await run.PublishAsync(5, meters: 5);
        }

        await run.ShouldMatchAsync<Meter>(meters: 5);
        Reactivated(run.Cluster.Silos[0]).ShouldBe(0);
    }

    [Fact]
    public async Task No_more_grains_than_allowed_stay_and_their_activations_go_with_them()
    {
        await using MeterCluster run = await MeterCluster.StartAsync<Meter>(2, o => o.MaxResident = 20);
        for (int i = 0; i < 4; i++)
        {
            await run.PublishAsync(400, meters: 400, silo: i % 2);
        }

        await run.ShouldMatchAsync<Meter>(meters: 400);
        await StreamingCluster.UntilAsync(() => Task.FromResult(Resident(run) <= 40), "most grains have left memory");
        await StreamingCluster.UntilAsync(async () => await run.ActivationsAsync() <= 40, "and so have their activations");
        await run.PublishAsync(400, meters: 400);
        await run.ShouldMatchAsync<Meter>(meters: 400);
    }

    [Fact]
    public async Task A_turn_goes_on_and_counts_when_its_activation_is_deactivated_in_the_middle()
    {
        await using MeterCluster run = await MeterCluster.StartAsync<Meter>(1);
        await run.PublishAsync(10, meters: 2);
        run.Turns.HeldNumber = 12;
        await run.PublishAsync(10, meters: 2);
        await run.Turns.Entered.Task.WaitAsync(TimeSpan.FromSeconds(20), StreamingCluster.Cancel);
        await StreamingCluster.UntilAsync(
            async () =>
            {
                // One that was in the middle of something else has not been collected.
                await run.Cluster.Client.GetGrain<IManagementGrain>(0).ForceActivationCollection(TimeSpan.Zero);
                return await run.ActivationsAsync() == 0;
            },
            "all activations are gone");
        run.Turns.Gate.SetResult();
        await run.PublishAsync(20, meters: 2);
        await run.ShouldMatchAsync<Meter>(meters: 2);
        run.Turns.Ran.ShouldAllBe(turn => turn.Grain == $"streaming.operator/Meter/{turn.Key}");
    }

    [Fact]
    public async Task Two_activations_of_a_key_do_no_harm()
    {
        const int Meters = 20;
        await using MeterCluster run = await MeterCluster.StartAsync<Meter>(3);
        await CallFromEverywhereAsync();
        (await run.ActivationsAsync()).ShouldBe(3 * Meters);
        await run.PublishAsync(400, Meters);
        Task publishing = run.PublishAsync(2000, Meters);
        await CallFromEverywhereAsync();
        await run.Cluster.KillAsync(run.Cluster.Silos[2]);
        await publishing;
        await CallFromEverywhereAsync();
        await run.ShouldMatchAsync<Meter>(Meters);

        // Anybody's call brings up an activation on his silo, with nothing to run. What comes from a client has been serialised.
        async Task CallFromEverywhereAsync()
        {
            await run.Cluster.Client.GetGrain<IOperatorActivation>(GrainIdentity.Of(nameof(Meter), "m0")).RunAsync(new TurnTicket(null, null));
            foreach (InProcessSiloHandle silo in run.Cluster.Silos)
            {
                for (int meter = 0; meter < Meters; meter++)
                {
                    await MeterCluster.GrainsOf(silo).GetGrain<IOperatorActivation>(GrainIdentity.Of(nameof(Meter), $"m{meter}")).RunAsync(new TurnTicket(null, null));
                }
            }

            await StreamingCluster.UntilAsync(async () => await run.ActivationsAsync() == Meters * run.Cluster.Silos.Count, "each silo has an activation of each key");
        }
    }

    private static long Reactivated(InProcessSiloHandle silo) => StreamingCluster.EngineOf(silo).Hosts.Sum(h => h.Totals.Reactivated);

    private static long Resident(MeterCluster run) => run.Cluster.Silos.Sum(s => StreamingCluster.EngineOf(s).GetTotals().Grains);
}

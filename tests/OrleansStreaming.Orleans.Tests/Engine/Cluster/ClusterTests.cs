using Microsoft.Extensions.DependencyInjection;
using Orleans.TestingHost;
using OrleansStreaming.Testing;

namespace OrleansStreaming.Clustering.Tests;

/// <summary>Silos come, go and die while events come in: each counts exactly once.</summary>
public sealed class ClusterTests
{
    [Fact]
    public async Task Events_published_on_any_silo_are_counted_once_and_read_from_any()
    {
        await using Run run = await Run.StartAsync(3);
        await run.PublishAsync(0, 400);
        await run.PublishAsync(1, 400);
        await run.PublishAsync(2, 400);
        await run.ShouldMatchAsync();
        foreach (InProcessSiloHandle silo in run.Cluster.Silos)
        {
            GrainState? state = await StreamingCluster.EngineOf(silo).GetStateAsync(nameof(ClicksByUser), "user7", stable: true, StreamingCluster.Cancel);
            state.ShouldNotBeNull().Key.ShouldBe("user7");
        }
    }

    [Fact]
    public async Task A_killed_silo_loses_nothing_and_its_partitions_go_to_the_others()
    {
        await using Run run = await Run.StartAsync(3);
        await run.PublishAsync(0, 500);
        Task publishing = run.PublishAsync(0, 3000);
        await run.Cluster.KillAsync(run.Cluster.Silos[2]);
        await publishing;
        await run.ShouldMatchAsync();
        IReadOnlyList<Rollback> failures = (await run.Cluster.Engine(0).ReportOfAllAsync()).Rollbacks;
        failures.ShouldHaveSingleItem().TakenOverPartitions.ShouldBeInRange(1, 13);
    }

    [Fact]
    public async Task A_silo_that_is_wrongly_taken_for_dead_is_fenced_and_two_owners_do_no_harm()
    {
        await using Run run = await Run.StartAsync(3);
        await run.PublishAsync(0, 500);
        InProcessSiloHandle zombie = run.Cluster.Silos[2];
        SiloIncarnation living = ClusterOf(zombie).Local.ShouldNotBeNull();
        Task publishing = run.PublishAsync(2, 2000);
        foreach (InProcessSiloHandle other in run.Cluster.Silos.Take(2))
        {
            ClusterOf(other).Take(SiloNotice.Ended, zombie.SiloAddress.ToParsableString(), living.Silo.Journal.Id);
        }

        await publishing;
        await StreamingCluster.UntilAsync(() => Task.FromResult(ClusterOf(zombie).Local is { } next && next != living), "it has begun anew");
        await run.Cluster.ReadyAsync();
        await run.ShouldMatchAsync();
        (await run.Cluster.Engine(0).ReportOfAllAsync()).Rollbacks.ShouldContain(r => r.Journal == living.Silo.Journal.Name && r.TakenOverPartitions > 0);
    }

    [Fact]
    public async Task Partitions_move_to_a_silo_that_joins_without_rollback_or_loss()
    {
        await using Run run = await Run.StartAsync(2);
        await run.PublishAsync(0, 500);
        Task publishing = run.PublishAsync(1, 3000);
        InProcessSiloHandle added = await run.Cluster.AddSiloAsync();
        await publishing;
        await StreamingCluster.UntilAsync(
            async () => (await StreamingCluster.EngineOf(added).GetSilosAsync())[0].Partitions >= 4, "the new silo has its third");
        await run.ShouldMatchAsync();
        (await run.Cluster.Engine(0).ReportOfAllAsync()).Silos.Sum(s => s.RolledBack).ShouldBe(0);
    }

    [Fact]
    public async Task Silos_restarted_one_by_one_under_load_roll_nothing_back_and_lose_nothing()
    {
        await using Run run = await Run.StartAsync(3);
        using var stop = new CancellationTokenSource();
        Task publishing = run.PublishUntilAsync(stop.Token);
        for (int i = 0; i < 3; i++)
        {
            InProcessSiloHandle oldest = run.Cluster.Silos[0];
            await run.Cluster.AddSiloAsync();
            await run.Cluster.StopAsync(oldest);
            await run.Cluster.ReadyAsync();
        }

        await stop.CancelAsync();
        await publishing;
        await run.ShouldMatchAsync();
        EngineReport report = await run.Cluster.Engine(0).ReportOfAllAsync();
        report.Silos.Sum(s => s.RolledBack).ShouldBe(0); // What came after the last checkpoint is read again by the next owner: no grain goes back for that.
        report.Rollbacks.Sum(r => r.TakenOverPartitions).ShouldBe(0);
    }

    [Fact]
    public async Task All_silos_stopped_together_leave_nothing_to_recover()
    {
        var storage = new InMemoryStorage();
        Click[] clicks;
        MemorySink<PageReport> sink;
        await using (Run run = await Run.StartAsync(3, storage))
        {
            await run.PublishAsync(0, 1000);
            await Task.WhenAll(run.Cluster.Silos.ToArray().Select(run.Cluster.StopAsync));
            (clicks, sink) = (run.Clicks, run.Sink);
        }

        await using Run next = await Run.StartAsync(2, storage, sink, clicks);
        await next.ShouldMatchAsync();
        EngineReport report = await next.Cluster.Engine(0).ReportOfAllAsync();
        report.Rollbacks.ShouldBeEmpty(); // All journals had been sealed by those that wrote them.
    }

    private static OrleansCluster ClusterOf(InProcessSiloHandle silo) => silo.ServiceProvider.GetRequiredService<OrleansCluster>();

    /// <summary>A cluster that counts clicks.</summary>
    private sealed class Run : IAsyncDisposable
    {
        private int _published;

        private Run(StreamingCluster cluster, MemorySink<PageReport> sink, int published) => (Cluster, Sink, _published) = (cluster, sink, published);

        public StreamingCluster Cluster { get; }

        public MemorySink<PageReport> Sink { get; }

        public Click[] Clicks => ClickCounting.Clicks(0, _published);

        public static async Task<Run> StartAsync(short silos, InMemoryStorage? storage = null, MemorySink<PageReport>? sink = null, Click[]? clicks = null)
        {
            sink ??= new MemorySink<PageReport>();
            StreamingCluster cluster = await StreamingCluster.StartAsync(silos, storage ?? new InMemoryStorage(), s => ClickCounting.Topology(s, sink));
            return new Run(cluster, sink, clicks?.Length ?? 0);
        }

        /// <summary>Publishes on one silo, in requests that a repeat of would store nothing twice.</summary>
        public async Task PublishAsync(int silo, int count)
        {
            StreamingEngine engine = Cluster.Engine(silo);
            for (int left = count; left > 0; left -= 100)
            {
                await NextAsync(engine, Math.Min(100, left));
            }
        }

        public async Task PublishUntilAsync(CancellationToken stop)
        {
            while (!stop.IsCancellationRequested)
            {
                await NextAsync(Cluster.Engine(Cluster.Silos.Count - 1), 50);
            }
        }

        public async Task ShouldMatchAsync()
        {
            await Cluster.QuietAsync();
            await ClickCounting.ShouldMatchAsync(Cluster.StatesAsync, Sink, Clicks);
        }

        public ValueTask DisposeAsync() => Cluster.DisposeAsync();

        private async Task NextAsync(StreamingEngine engine, int count)
        {
            Click[] next = ClickCounting.Clicks(_published, count);
            IngestAnswer answer = await engine.PublishAsync("clicks", next, "clicks", _published + 1, StreamingCluster.Cancel);
            answer.Outcome.ShouldBe(IngestOutcome.Durable);
            _published += count;
        }
    }
}

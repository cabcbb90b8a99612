using Orleans.Streams;
using Orleans.TestingHost;

namespace OrleansStreaming.Clustering.Tests;

/// <summary>Subscribers while silos come, go and die.</summary>
public sealed class SiloChangeTests
{
    [Fact]
    public async Task Nothing_is_lost_when_a_silo_dies_during_delivery()
    {
        await using ProviderCluster cluster = await ProviderCluster.StartAsync(silos: 2);
        await cluster.Explicit("e").SubscribeAsync("orders", "c1", null);
        Task<int> publishing = PublishAsync(cluster, 6000);
        await StreamingCluster.UntilAsync(() => Task.FromResult(cluster.Account.Numbers("implicit").Length > 500), "delivery is under way");
        await cluster.KillAsync(cluster.Silos[1]);
        int sent = await publishing;
        await cluster.ArrivedAsync("implicit", [.. Enumerable.Range(0, sent)]);

        // A grain that went with the silo comes back with its next event, or when somebody calls it, and has what it missed.
        await cluster.ArrivedAsync("e", [.. Enumerable.Range(0, sent).Where(n => n % 20 == 1)]);
    }

    [Fact]
    public async Task Nothing_is_lost_when_partitions_move_during_delivery()
    {
        await using ProviderCluster cluster = await ProviderCluster.StartAsync(silos: 1);
        await cluster.Explicit("e").SubscribeAsync("orders", "c1", null);
        Task<int> publishing = PublishAsync(cluster, 6000);
        await StreamingCluster.UntilAsync(() => Task.FromResult(cluster.Account.Numbers("implicit").Length > 500), "delivery is under way");
        InProcessSiloHandle added = await cluster.AddSiloAsync();
        await StreamingCluster.UntilAsync(() => Task.FromResult(ProviderCluster.HubOf(added).Channels.Count >= 4), "the new silo has got partitions");
        int sent = await publishing;
        await cluster.ArrivedAsync("implicit", [.. Enumerable.Range(0, sent)]);
        await cluster.ArrivedAsync("e", [.. Enumerable.Range(0, sent).Where(n => n % 20 == 1)]);
        await cluster.StopAsync(added);
        await cluster.Engine.PublishAsync("orders", ProviderCluster.Orders(sent, 200, 20), ProviderCluster.Cancel);
        await cluster.ArrivedAsync("implicit", [.. Enumerable.Range(0, sent + 200)]);
    }

    [Fact]
    public async Task Nothing_is_lost_in_a_rolling_deployment()
    {
        await using ProviderCluster cluster = await ProviderCluster.StartAsync(silos: 2);
        await cluster.Explicit("e").SubscribeAsync("orders", "c1", null);
        Task<int> publishing = PublishAsync(cluster, 8000);
        foreach (InProcessSiloHandle old in cluster.Silos.Skip(1).ToArray())
        {
            await cluster.AddSiloAsync();
            await cluster.StopAsync(old);
        }

        int sent = await publishing;
        await cluster.ArrivedAsync("implicit", [.. Enumerable.Range(0, sent)]);
        await cluster.ArrivedAsync("e", [.. Enumerable.Range(0, sent).Where(n => n % 20 == 1)]);
    }

    [Fact]
    public async Task A_cluster_that_stops_and_starts_goes_on_where_its_subscribers_were()
    {
        var account = new Account();
        var storage = new Testing.InMemoryStorage();
        await using (ProviderCluster first = await ProviderCluster.StartAsync(silos: 1, storage: storage, account: account))
        {
            await first.Engine.PublishAsync("orders", ProviderCluster.Orders(0, 1000, 20), ProviderCluster.Cancel);
            await first.ArrivedAsync("implicit", [.. Enumerable.Range(0, 1000)]);
            await first.StopAsync(first.Silos[0]);
        }

        await using ProviderCluster second = await ProviderCluster.StartAsync(silos: 1, storage: storage, account: account);
        await second.Engine.PublishAsync("orders", ProviderCluster.Orders(1000, 100, 20), ProviderCluster.Cancel);
        await second.ArrivedAsync("implicit", [.. Enumerable.Range(0, 1100)]);
        account.Numbers("implicit").Length.ShouldBe(1100); // A graceful stop leaves nothing to deliver twice.
    }

    [Fact]
    public async Task What_nobody_had_subscribed_to_does_not_come_later_nor_keep_the_log()
    {
        await using ProviderCluster cluster = await ProviderCluster.StartAsync();
        await cluster.Engine.PublishAsync("quiet", ProviderCluster.Orders(0, 500, 5), ProviderCluster.Cancel);
        await StreamingCluster.UntilAsync(
            () => Task.FromResult(ProviderCluster.HubOf(cluster.Silos[0]).Channels.Where(c => c.Stream.Name == "quiet").Sum(c => c.TrimmedTo < 0 ? 0 : 1) >= 3
                && ProviderCluster.HubOf(cluster.Silos[0]).Channels.Where(c => c.Stream.Name == "quiet").All(c => c.TrimmedTo == c.Delivered)), "it has been trimmed");
        await cluster.Explicit("e").SubscribeAsync("quiet", "c1", null);
        await cluster.Stream<Order>("quiet", "c1").OnNextAsync(new Order("c1", 501));
        await cluster.ArrivedAsync("e", [501]);
        cluster.Account.Numbers("e").ShouldBe([501]);
    }

    [Fact]
    public async Task A_provider_stops_at_once()
    {
        await using ProviderCluster cluster = await ProviderCluster.StartAsync(options: o => o.ReceiveWait = TimeSpan.FromSeconds(30));
        await cluster.Engine.PublishAsync("orders", ProviderCluster.Orders(0, 100, 5), ProviderCluster.Cancel);
        await cluster.ArrivedAsync("implicit", [.. Enumerable.Range(0, 100)]);
        var watch = System.Diagnostics.Stopwatch.StartNew();
        await new ProviderLifecycle(cluster.Silos[0].ServiceProvider, ProviderCluster.Provider).StopAsync(ProviderCluster.Cancel);
        watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(2));
    }

    /// <summary>Publishes on the first silo until all are stored.</summary>
    private static async Task<int> PublishAsync(ProviderCluster cluster, int count)
    {
        StreamingEngine engine = cluster.Engine;
        for (int sent = 0; sent < count; sent += 100)
        {
            await engine.PublishAsync("orders", ProviderCluster.Orders(sent, 100, 20), "p", sent + 1, ProviderCluster.Cancel);
        }

        return count;
    }
}

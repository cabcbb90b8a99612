using Microsoft.Extensions.DependencyInjection;
using Orleans.Runtime;
using Orleans.TestingHost;
using OrleansStreaming.Testing;

namespace OrleansStreaming.Clustering.Tests;

/// <summary>Clusters that have nothing but a storage: silos come, go and die, and states of grains outlive them.</summary>
public sealed class StoredClusterTests
{
    [Fact]
    public async Task Silos_find_each_other_and_are_seen_to_stop_die_and_join()
    {
        await using var data = new InMemoryStorage();
        await using StoredCluster stored = await StoredCluster.StartAsync(data, silos: 3);
        TestCluster cluster = stored.Cluster;
        SiloHandle[] silos = [.. cluster.GetActiveSilos()];
        (await stored.MembersAsync()).OrderBy(m => m.Key).ShouldBe(silos.Select(s => KeyValuePair.Create(s.SiloAddress, MemberStatus.Active)).OrderBy(m => m.Key));
        await WhenAllSeeAsync(stored, 3);

        await cluster.StopSiloAsync(silos[2]);
        (await stored.MembersAsync())[silos[2].SiloAddress].ShouldBe(MemberStatus.Dead);
        await WhenAllSeeAsync(stored, 2);

        await cluster.KillSiloAsync(silos[1]);
        await stored.WhenMembersAsync(members => members[silos[1].SiloAddress] == MemberStatus.Dead);
        await WhenAllSeeAsync(stored, 1);

        SiloHandle joined = await cluster.StartAdditionalSiloAsync();
        (await stored.MembersAsync())[joined.SiloAddress].ShouldBe(MemberStatus.Active);
        (await stored.MembersAsync())[silos[0].SiloAddress].ShouldBe(MemberStatus.Active);
        await WhenAllSeeAsync(stored, 2);
        ICartGrain cart = stored.Grains.GetGrain<ICartGrain>("ada");
        await WhenReachedAsync(cart);
        (await cart.AddAsync(1)).ShouldBe(1);
    }

    [Fact]
    public async Task Silos_that_start_at_the_same_time_all_get_in_and_tell_that_they_are_alive()
    {
        await using var data = new InMemoryStorage();
        await using StoredCluster stored = await StoredCluster.StartAsync(data, silos: 1);
        await stored.Cluster.StartAdditionalSilosAsync(5);
        IReadOnlyDictionary<SiloAddress, MemberStatus> members = await stored.MembersAsync();
        members.Count.ShouldBe(6);
        members.Values.ShouldAllBe(status => status == MemberStatus.Active);

        DateTime now = DateTime.UtcNow;
        MembershipRecord? record = null;
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (record is null || record.Silos.Any(row => row.IAmAlive < now))
        {
            await Task.Delay(20, limit.Token);
            record = MembershipRecord.Parse("stored", await data.ReadRecordAsync(MembershipRecord.NameOf("stored"), limit.Token));
        }
    }

    [Fact]
    public async Task A_state_outlives_the_silo_that_wrote_it_and_the_cluster()
    {
        await using var data = new InMemoryStorage();
        await using (StoredCluster first = await StoredCluster.StartAsync(data, silos: 2, "first"))
        {
            ICartGrain[] carts = [.. Enumerable.Range(0, 20).Select(i => first.Grains.GetGrain<ICartGrain>($"cart/{i}"))];
            await Task.WhenAll(carts.Select(cart => cart.AddAsync(2)));
            await carts[0].ClearAsync();
            await carts[1].SubscribeAsync();
            string[] where = await Task.WhenAll(carts.Select(cart => cart.WhereAsync()));
            where.Distinct().Count().ShouldBe(2, "the test needs states on both silos");
            SiloHandle victim = first.Cluster.GetActiveSilos().Last();
            await first.Cluster.KillSiloAsync(victim);
            await first.WhenMembersAsync(members => members[victim.SiloAddress] == MemberStatus.Dead);
            await WhenAllSeeAsync(first, 1);
            await WhenReachedAsync(carts);
            int[] counts = await Task.WhenAll(carts.Skip(1).Select(cart => cart.AddAsync(1)));
            counts.ShouldAllBe(count => count == 3);
            (await carts[0].ReadAsync()).ShouldBe((false, 0));
        }

        await using StoredCluster second = await StoredCluster.StartAsync(data, silos: 1, "second");
        (await second.Grains.GetGrain<ICartGrain>("cart/0").ReadAsync()).ShouldBe((false, 0));
        (await second.Grains.GetGrain<ICartGrain>("cart/19").ReadAsync()).ShouldBe((true, 3));
        (await second.Grains.GetGrain<ICartGrain>("cart/1").CountSubscriptionsAsync()).ShouldBe(1);
        (await second.Grains.GetGrain<ICartGrain>("cart/0").AddAsync(4)).ShouldBe(4);
    }

    [Fact]
    public async Task A_cluster_that_starts_again_takes_its_own_dead_for_dead()
    {
        await using var data = new InMemoryStorage();
        SiloAddress[] old;
        await using (StoredCluster first = await StoredCluster.StartAsync(data, silos: 2))
        {
            old = [.. first.Cluster.GetActiveSilos().Select(s => s.SiloAddress)];
        }

        await using StoredCluster again = await StoredCluster.StartAsync(data, silos: 2);
        IReadOnlyDictionary<SiloAddress, MemberStatus> members = await again.MembersAsync();
        old.ShouldAllBe(silo => members[silo] == MemberStatus.Dead);
        members.Count(m => m.Value == MemberStatus.Active).ShouldBe(2);
        (await again.Grains.GetGrain<ICartGrain>("ada").AddAsync(1)).ShouldBe(1);
    }

    /// <summary>A client goes on to try the gateway of a dead silo for a while, and its calls fail.</summary>
    private static async Task WhenReachedAsync(params ICartGrain[] carts)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        foreach (ICartGrain cart in carts)
        {
            while (true)
            {
                try
                {
                    await cart.WhereAsync();
                    break;
                }
                catch (OrleansException) when (!limit.IsCancellationRequested)
                {
                    await Task.Delay(50, limit.Token);
                }
            }
        }
    }

    /// <summary>Every living silo takes that many for active.</summary>
    private static async Task WhenAllSeeAsync(StoredCluster stored, int active)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!stored.Cluster.GetActiveSilos().All(s =>
            ((InProcessSiloHandle)s).SiloHost.Services.GetRequiredService<IClusterMembershipService>().CurrentSnapshot.Members.Values.Count(m => m.Status == MemberStatus.Active) == active))
        {
            await Task.Delay(20, limit.Token);
        }
    }
}

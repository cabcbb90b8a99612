using Orleans.Streams;

namespace OrleansStreaming.Clustering.Tests;

/// <summary>Subscribers that fail, or take long.</summary>
public sealed class SubscriberFailureTests
{
    [Fact]
    public async Task A_failing_subscriber_is_tried_until_it_works_and_holds_up_nobody_else()
    {
        await using ProviderCluster cluster = await ProviderCluster.StartAsync(options: o =>
        {
            o.CacheEvents = 64;
            o.SlowAfter = TimeSpan.FromMilliseconds(300);
        });
        bool fails = true;
        cluster.Account.Before = (subscriber, number) => subscriber == "implicit" && number % 20 == 7 && Volatile.Read(ref fails)
            ? throw new InvalidOperationException("not today")
            : Task.CompletedTask;
        for (int i = 0; i < 20; i++)
        {
            await cluster.Engine.PublishAsync("orders", ProviderCluster.Orders(i * 100, 100, 20), ProviderCluster.Cancel);
        }

        // Far more than the cache holds: the one that fails is left behind, all others get theirs.
        await cluster.ArrivedAsync("implicit", [.. Enumerable.Range(0, 2000).Where(n => n % 20 != 7)]);
        await StreamingCluster.UntilAsync(() => Task.FromResult(cluster.Account.Lines.Any(l => l.StartsWith("3201 "))), "the failure is logged");
        await StreamingCluster.UntilAsync(async () => (await cluster.Engine.GetHealthAsync()).Sinks.Any(s => s is { Sink: "events/orders", State: "retrying", Attempts: 1 }), "health shows it");
        cluster.Account.Errors.ShouldContain(e => e.Error is StreamEventDeliveryFailureException);
        cluster.Account.Numbers("implicit").ShouldNotContain(n => n % 20 == 7);

        // Nothing of it is trimmed, also not while others go on.
        Volatile.Write(ref fails, false);
        await cluster.ArrivedAsync("implicit", [.. Enumerable.Range(0, 2000)]);
        await StreamingCluster.UntilAsync(async () => (await cluster.Engine.GetHealthAsync()).Sinks.Count == 0, "health is well again");
        await cluster.Engine.PublishAsync("orders", ProviderCluster.Orders(2000, 100, 20), ProviderCluster.Cancel);
        await cluster.ArrivedAsync("implicit", [.. Enumerable.Range(0, 2100)]);
    }

    [Fact]
    public async Task A_faulted_explicit_subscription_is_removed_if_that_is_wanted_and_an_implicit_one_is_retried()
    {
        await using ProviderCluster cluster = await ProviderCluster.StartAsync(options: o => o.OnFailure = SubscriberFailure.Fault);
        bool fails = true;
        cluster.Account.Before = (subscriber, number) => number == 1 && Volatile.Read(ref fails) ? throw new InvalidOperationException("not today") : Task.CompletedTask;
        await cluster.Explicit("e").SubscribeAsync("orders", "c1", null);
        await cluster.Stream<Order>("orders", "c1").OnNextAsync(new Order("c1", 1));
        await cluster.Stream<Order>("orders", "c1").OnNextAsync(new Order("c1", 2));
        await StreamingCluster.UntilAsync(() => Task.FromResult(cluster.Account.Errors.Any(e => e is { Subscriber: "e", Error: FaultedSubscriptionException })), "the subscriber has been told");
        await StreamingCluster.UntilAsync(async () => await cluster.Explicit("e").SubscriptionsAsync("orders", "c1") == 0, "the subscription is gone");
        Volatile.Write(ref fails, false);
        await cluster.ArrivedAsync("implicit", [1, 2]);
        cluster.Account.Numbers("e").ShouldBeEmpty();
    }

    [Fact]
    public async Task A_slow_subscriber_gets_everything_and_keeps_no_other_partition_waiting()
    {
        await using ProviderCluster cluster = await ProviderCluster.StartAsync(options: o => o.CacheEvents = 64);
        cluster.Account.Before = (subscriber, number) => subscriber == "implicit" && number % 20 == 7 ? Task.Delay(5) : Task.CompletedTask;
        for (int i = 0; i < 20; i++)
        {
            await cluster.Engine.PublishAsync("orders", ProviderCluster.Orders(i * 100, 100, 20), ProviderCluster.Cancel);
        }

        await cluster.ArrivedAsync("implicit", [.. Enumerable.Range(0, 2000)]);
        cluster.Account.Numbers("implicit").Length.ShouldBe(2000);
    }

    [Fact]
    public async Task After_a_kill_a_subscriber_that_had_failed_gets_its_events_from_the_next_owner()
    {
        await using ProviderCluster cluster = await ProviderCluster.StartAsync(silos: 2, retain: false);
        bool fails = true;
        cluster.Account.Before = (subscriber, number) => number % 20 == 7 && Volatile.Read(ref fails) ? throw new InvalidOperationException("not today") : Task.CompletedTask;
        for (int i = 0; i < 10; i++)
        {
            await cluster.Engine.PublishAsync("orders", ProviderCluster.Orders(i * 100, 100, 20), ProviderCluster.Cancel);
        }

        await cluster.ArrivedAsync("implicit", [.. Enumerable.Range(0, 1000).Where(n => n % 20 != 7)]);
        await cluster.KillAsync(cluster.Silos[1]);
        Volatile.Write(ref fails, false);
        await cluster.ArrivedAsync("implicit", [.. Enumerable.Range(0, 1000)]);
    }
}

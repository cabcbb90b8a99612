using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Hosting;
using Orleans.Providers.Streams.Common;
using Orleans.Storage;
using Orleans.Streams;
using Orleans.TestingHost;

namespace OrleansStreaming.Clustering.Tests;

/// <summary>What users of other stream providers have suffered, see docs/orleans.md. Rows whose test is elsewhere name it there.</summary>
public sealed class KnownFailureTests
{
    [Fact]
    public async Task Events_that_come_while_their_stream_is_being_registered_arrive()
    {
        var registry = new SlowRegistry(TimeSpan.FromMilliseconds(150));
        await using ProviderCluster cluster = await ProviderCluster.StartAsync(
            retain: false, configure: s => s.Services.AddKeyedSingleton<IGrainStorage>("PubSubStore", registry));
        Task[] subscribed = [.. Enumerable.Range(0, 20).Select(i => cluster.Explicit($"e{i}").SubscribeAsync("quiet", $"c{i}", null))];
        for (int round = 0; round < 10; round++)
        {
            await cluster.Engine.PublishAsync("quiet", ProviderCluster.Orders(round * 20, 20, 20), ProviderCluster.Cancel);
        }

        await Task.WhenAll(subscribed);
        await cluster.Engine.PublishAsync("quiet", ProviderCluster.Orders(200, 100, 20), ProviderCluster.Cancel);
        for (int i = 0; i < 20; i++)
        {
            // From when the subscription was made on, none is missing.
            await cluster.ArrivedAsync($"e{i}", [.. Enumerable.Range(200, 100).Where(n => n % 20 == i)]);
            int[] got = [.. cluster.Account.Numbers($"e{i}").Distinct()];
            got.ShouldBe([.. Enumerable.Range(0, 300).Where(n => n % 20 == i && n >= got[0])]);
        }
    }

    [Fact]
    public async Task A_client_gets_events_after_a_silo_has_died_and_after_it_has_subscribed_again()
    {
        await using ProviderCluster cluster = await ProviderCluster.StartAsync(silos: 2);
        var got = new ConcurrentQueue<int>();
        Task Take(Order order, StreamSequenceToken? token)
        {
            got.Enqueue(order.Number);
            return Task.CompletedTask;
        }

        IAsyncStream<Order> stream = cluster.Stream<Order>("quiet", "c1");
        StreamSubscriptionHandle<Order> handle = await stream.SubscribeAsync(Take);
        await stream.OnNextAsync(new Order("c1", 1));
        await StreamingCluster.UntilAsync(() => Task.FromResult(got.Contains(1)), "the first has arrived");
        await cluster.KillAsync(cluster.Silos[1]);
        await cluster.Engine.PublishAsync("quiet", [new Order("c1", 2)], ProviderCluster.Cancel);
        await StreamingCluster.UntilAsync(() => Task.FromResult(got.Contains(2)), "it goes on");
        await handle.UnsubscribeAsync();
        await stream.SubscribeAsync(Take);
        await cluster.Engine.PublishAsync("quiet", [new Order("c1", 3)], ProviderCluster.Cancel);
        await StreamingCluster.UntilAsync(() => Task.FromResult(got.Contains(3)), "the new subscription is served");
        got.Distinct().ShouldBe([1, 2, 3]);
    }

    [Fact]
    public async Task A_position_that_the_log_has_left_behind_does_not_stall_a_partition()
    {
        var account = new Account();
        var storage = new Testing.InMemoryStorage();
        await using (ProviderCluster first = await ProviderCluster.StartAsync(storage: storage, retain: false, account: account))
        {
            await first.Engine.PublishAsync("orders", ProviderCluster.Orders(0, 100, 20), ProviderCluster.Cancel);
            await first.ArrivedAsync("implicit", [.. Enumerable.Range(0, 100)]);
            await first.StopAsync(first.Silos[0]);
        }

        // While the provider serves another stream only, nobody holds the log, and it is trimmed.
        await using (ProviderCluster without = await ProviderCluster.StartAsync(storage: storage, retain: false, account: account, options: o => o.Streams.Add("quiet")))
        {
            await without.Engine.PublishAsync("orders", ProviderCluster.Orders(100, 100, 20), ProviderCluster.Cancel);
            await without.Engine.WhenQuietAsync(ProviderCluster.Cancel);
            await StreamingCluster.UntilAsync(() => without.TrimmedAsync("orders"), "the log has been trimmed");
            await without.StopAsync(without.Silos[0]);
        }

        await using ProviderCluster again = await ProviderCluster.StartAsync(storage: storage, retain: false, account: account);
        await again.Engine.PublishAsync("orders", ProviderCluster.Orders(200, 100, 20), ProviderCluster.Cancel);
        await again.ArrivedAsync("implicit", [.. Enumerable.Range(200, 100)]);
        account.Numbers("implicit").ShouldNotContain(n => n >= 100 && n < 200);
    }

    [Fact]
    public async Task A_new_owner_repeats_only_what_was_delivered_last()
    {
        await using ProviderCluster cluster = await ProviderCluster.StartAsync(silos: 2);
        await cluster.Engine.PublishAsync("orders", ProviderCluster.Orders(0, 2000, 20), ProviderCluster.Cancel);
        await cluster.ArrivedAsync("implicit", [.. Enumerable.Range(0, 2000)]);
        await StreamingCluster.UntilAsync(() => cluster.StoredAsync("orders"), "what was delivered is stored");
        int before = cluster.Account.Numbers("implicit").Length;
        await cluster.KillAsync(cluster.Silos[1]);
        await cluster.ReadyAsync();
        await cluster.AddSiloAsync();
        await cluster.Engine.PublishAsync("orders", ProviderCluster.Orders(2000, 20, 20), ProviderCluster.Cancel);
        await cluster.ArrivedAsync("implicit", [.. Enumerable.Range(2000, 20)]);
        cluster.Account.Numbers("implicit").Length.ShouldBeLessThanOrEqualTo(before + 40);
    }

    [Fact]
    public async Task A_subscription_that_its_agent_was_not_told_of_is_found_when_asked()
    {
        bool lose = false;
        await using ProviderCluster cluster = await ProviderCluster.StartAsync(configure: s => s.AddOutgoingGrainCallFilter(call =>
            Volatile.Read(ref lose) && call.MethodName == "AddSubscriber" ? throw new TimeoutException("the message was lost") : call.Invoke()));
        await cluster.Explicit("known").SubscribeAsync("quiet", "c1", null);
        await cluster.Stream<Order>("quiet", "c1").OnNextAsync(new Order("c1", 1));
        await cluster.ArrivedAsync("known", [1]);
        Volatile.Write(ref lose, true);
        await Should.ThrowAsync<TimeoutException>(() => cluster.Explicit("unknown").SubscribeAsync("quiet", "c1", null));
        Volatile.Write(ref lose, false);
        await cluster.Explicit("unknown").ResumeAsync("quiet", "c1", null); // It is in the registry, so it can be resumed; that tells the agent nothing.
        await cluster.Client.CatchUpAsync(ProviderCluster.Provider, StreamId.Create("quiet", "c1"));
        await StreamingCluster.UntilAsync(() => Task.FromResult(cluster.Account.Lines.Any(l => l.StartsWith("3207 "))), "it is noticed");
        await cluster.Stream<Order>("quiet", "c1").OnNextAsync(new Order("c1", 2));
        await cluster.ArrivedAsync("known", [2]);
        await cluster.ArrivedAsync("unknown", [2]);
    }

    [Fact]
    public async Task What_an_operator_knows_and_what_it_publishes_survive_or_vanish_together()
    {
        await using ProviderCluster cluster = await ProviderCluster.StartAsync(silos: 2);
        for (int i = 0; i < 30; i++)
        {
            await cluster.Engine.PublishAsync("orders", ProviderCluster.Orders(i * 100, 100, 20), "p", i + 1, ProviderCluster.Cancel);
            if (i == 15)
            {
                await cluster.KillAsync(cluster.Silos[1]);
            }
        }

        // Each total was published once, and the last one is what the operator knows.
        await cluster.ArrivedAsync("totals", [.. Enumerable.Range(1, 150)]);
        foreach (string customer in Enumerable.Range(0, 20).Select(c => $"c{c}"))
        {
            await StreamingCluster.UntilAsync(
                () => Task.FromResult(cluster.Account.Entries.Where(e => e.Subscriber == "totals" && e.Key == customer).DistinctBy(e => e.Offset).Count() == 150), $"all totals of {customer} have arrived");
            cluster.Account.Entries.Where(e => e.Subscriber == "totals" && e.Key == customer).DistinctBy(e => e.Offset).Select(e => e.Number).ShouldBe(Enumerable.Range(1, 150));
            (await cluster.Engine.GetStateAsync(nameof(Totals), customer, stable: true, ProviderCluster.Cancel))!.Json.ToArray().ShouldBe("""{"orders":150}"""u8.ToArray());
        }
    }

    [Fact]
    public async Task Agents_that_were_stopped_and_started_go_on_with_what_was_not_delivered()
    {
        await using ProviderCluster cluster = await ProviderCluster.StartAsync();
        bool fails = true;
        cluster.Account.Before = (_, number) => number % 20 == 7 && Volatile.Read(ref fails) ? throw new InvalidOperationException("not today") : Task.CompletedTask;
        await cluster.Engine.PublishAsync("orders", ProviderCluster.Orders(0, 200, 20), ProviderCluster.Cancel);
        await cluster.ArrivedAsync("implicit", [.. Enumerable.Range(0, 200).Where(n => n % 20 != 7)]);
        await cluster.CommandAsync(PersistentStreamProviderCommand.StopAgents);
        Volatile.Write(ref fails, false);
        await cluster.CommandAsync(PersistentStreamProviderCommand.StartAgents);
        await cluster.ArrivedAsync("implicit", [.. Enumerable.Range(0, 200)]);
    }

    [Fact]
    public async Task An_application_keeps_its_own_stream_providers_and_grain_storage()
    {
        await using ProviderCluster cluster = await ProviderCluster.StartAsync(configure: s => s.AddMemoryStreams("own").AddMemoryGrainStorageAsDefault());
        InProcessSiloHandle silo = cluster.Silos[0];
        var got = new ConcurrentQueue<string>();
        IAsyncStream<string> own = silo.ServiceProvider.GetRequiredKeyedService<IStreamProvider>("own").GetStream<string>(StreamId.Create("orders", "c1"));
        await own.SubscribeAsync((text, _) =>
        {
            got.Enqueue(text);
            return Task.CompletedTask;
        });
        await own.OnNextAsync("own");
        await cluster.Stream<Order>("orders", "c1").OnNextAsync(new Order("c1", 1));
        await cluster.ArrivedAsync("implicit", [1]);
        await StreamingCluster.UntilAsync(() => Task.FromResult(got.Contains("own")), "the other provider delivers");
        silo.ServiceProvider.GetRequiredKeyedService<IGrainStorage>("Default").ShouldNotBeNull();
    }

    /// <summary>A registry of subscriptions that takes its time.</summary>
    private sealed class SlowRegistry(TimeSpan delay) : IGrainStorage
    {
        private readonly ConcurrentDictionary<GrainId, object?> _states = new();

        public async Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
        {
            await Task.Delay(delay);
            if (_states.TryGetValue(grainId, out object? state))
            {
                (grainState.State, grainState.RecordExists) = ((T)state!, true);
            }
        }

        public async Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
        {
            await Task.Delay(delay);
            _states[grainId] = grainState.State;
            grainState.RecordExists = true;
        }

        public async Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
        {
            await Task.Delay(delay);
            _states.TryRemove(grainId, out _);
            grainState.RecordExists = false;
        }
    }
}

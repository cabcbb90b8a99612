using Orleans.Streams;

namespace OrleansStreaming.Clustering.Tests;

/// <summary>The streams of the engine with Orleans' own API, while nothing fails.</summary>
public sealed class SubscriptionTests
{
    [Fact]
    public async Task Grains_get_what_the_engine_stores_and_what_grains_and_clients_publish_each_by_its_key()
    {
        await using ProviderCluster cluster = await ProviderCluster.StartAsync();
        await cluster.Engine.PublishAsync("orders", ProviderCluster.Orders(0, 100, 10), ProviderCluster.Cancel);
        await cluster.Explicit("publisher").PublishAsync("orders", "c3", "c3", [100]);
        await cluster.Explicit("publisher").PublishAsync("orders", "c3", "c3", [101, 102]);
        await cluster.Stream<Order>("orders", "c4").OnNextAsync(new Order("c4", 103));
        await cluster.Stream<Order>("orders", "c4").OnNextBatchAsync([new Order("c4", 104), new Order("c4", 105)]);
        await cluster.Client.GetStreamProvider(ProviderCluster.Provider).GetStream<Reading>("readings", -12).OnNextAsync(new Reading(-12, 7));
        var subject = new Guid("7d9fd3f1-5c8b-4a43-9b6c-0a6b8a4b6f5e");
        await cluster.Client.GetStreamProvider(ProviderCluster.Provider).GetStream<Note>("notes", subject).OnNextAsync(new Note(subject, "three"));

        await cluster.ArrivedAsync("implicit", [.. Enumerable.Range(0, 106)]);
        await cluster.ArrivedAsync("meter", [7]);
        await cluster.ArrivedAsync("subject", [5]);
        cluster.Account.Entries.Where(e => e.Subscriber == "implicit").ShouldAllBe(e => e.Number >= 100 || e.Key == $"c{e.Number % 10}");
        cluster.Account.Numbers("implicit").Length.ShouldBe(106); // Nothing failed, so nothing came twice.
        cluster.Account.Entries.Single(e => e.Subscriber == "meter").Key.ShouldBe("-12");
        cluster.Account.Entries.Single(e => e.Subscriber == "subject").Key.ShouldBe(subject.ToString());
    }

    [Fact]
    public async Task A_client_subscribes_and_unsubscribes()
    {
        await using ProviderCluster cluster = await ProviderCluster.StartAsync();
        var got = new System.Collections.Concurrent.ConcurrentQueue<int>();
        IAsyncStream<Order> stream = cluster.Stream<Order>("quiet", "c1");
        StreamSubscriptionHandle<Order> handle = await stream.SubscribeAsync((order, _) =>
        {
            got.Enqueue(order.Number);
            return Task.CompletedTask;
        });
        await cluster.Engine.PublishAsync("quiet", ProviderCluster.Orders(0, 100, 5), ProviderCluster.Cancel);
        await StreamingCluster.UntilAsync(() => Task.FromResult(got.Count == 20), "the client has got its share");
        got.ShouldBe(Enumerable.Range(0, 20).Select(i => (i * 5) + 1));
        await handle.UnsubscribeAsync();
        await stream.OnNextAsync(new Order("c1", 1000));
        await cluster.Explicit("after").SubscribeAsync("quiet", "c1", null);
        await stream.OnNextAsync(new Order("c1", 1001));
        await cluster.ArrivedAsync("after", [1001]);
        got.Count.ShouldBe(20);
    }

    [Fact]
    public async Task An_event_goes_to_the_stream_of_its_key_and_only_if_the_stream_carries_it()
    {
        await using ProviderCluster cluster = await ProviderCluster.StartAsync();
        foreach (Func<IAsyncStream<Order>, Task> publish in (Func<IAsyncStream<Order>, Task>[])[s => s.OnNextAsync(new Order("c2", 1)), s => cluster.Explicit("p").PublishAsync("orders", "c1", "c2", [1])])
        {
            ArgumentException wrong = await Should.ThrowAsync<ArgumentException>(() => publish(cluster.Stream<Order>("orders", "c1")));
            wrong.Message.ShouldContain("An event with key 'c2' was published to the stream of key 'c1'");
        }

        (await Should.ThrowAsync<ArgumentException>(() => cluster.Stream<Reading>("orders", "c7").OnNextAsync(new Reading(1, 1))))
            .Message.ShouldContain("Stream 'orders' does not carry Reading; it carries Order and Cancellation.");
        (await Should.ThrowAsync<ArgumentException>(() => cluster.Stream<Order>("ordres", "c1").OnNextAsync(new Order("c1", 1))))
            .Message.ShouldContain("serves no stream 'ordres'; it serves notes, orders, quiet, readings, totals.");
        (await Should.ThrowAsync<ArgumentException>(() => cluster.Stream<Reading>("readings", "x1").OnNextAsync(new Reading(1, 1))))
            .Message.ShouldContain("'x1' is not a key of stream 'readings', whose keys are of type long");
        (await Should.ThrowAsync<ArgumentException>(() => cluster.Stream<Order>("orders", "c1").OnNextAsync(new Order("c1", 1), new OffsetToken(new Offset(1, 1)))))
            .Message.ShouldContain("publish it without a token");

        // Of several types a subscriber gets its own, and who asks for all gets all.
        var all = new System.Collections.Concurrent.ConcurrentQueue<object>();
        await cluster.Stream<object>("orders", "c9").SubscribeAsync((e, _) =>
        {
            all.Enqueue(e);
            return Task.CompletedTask;
        });
        await cluster.Stream<object>("orders", "c9").OnNextBatchAsync([new Order("c9", 1), new Cancellation("c9", 1), new Order("c9", 2)]);
        await cluster.ArrivedAsync("implicit", [1, 2]);
        await StreamingCluster.UntilAsync(() => Task.FromResult(all.Count == 3), "all have arrived");
        all.ShouldBe([new Order("c9", 1), new Cancellation("c9", 1), new Order("c9", 2)]);
    }

    [Fact]
    public async Task A_subscription_begins_where_its_token_says_and_an_idle_stream_is_served_when_asked()
    {
        await using ProviderCluster cluster = await ProviderCluster.StartAsync();
        await cluster.Engine.PublishAsync("orders", ProviderCluster.Orders(0, 3000, 3), ProviderCluster.Cancel);
        await cluster.ArrivedAsync("implicit", [.. Enumerable.Range(0, 3000)]);
        Account.Entry[] c1 = [.. cluster.Account.Entries.Where(e => e.Subscriber == "implicit" && e.Key == "c1")];

        await cluster.Explicit("all").SubscribeAsync("orders", "c1", "-");
        await cluster.Explicit("half").SubscribeAsync("orders", "c1", c1[500].Offset.ToString());
        await cluster.Explicit("now").SubscribeAsync("orders", "c1", null);
        await cluster.Client.CatchUpAsync(ProviderCluster.Provider, StreamId.Create("orders", "c1"));
        await cluster.ArrivedAsync("all", [.. c1.Select(e => e.Number)]);
        await cluster.ArrivedAsync("half", [.. c1[500..].Select(e => e.Number)]);
        cluster.Account.Numbers("half").ShouldBe(c1[500..].Select(e => e.Number));
        cluster.Account.Numbers("now").ShouldBeEmpty(string.Join('\n', cluster.Account.Lines));

        // The same subscription, back to an earlier place, and with new events at the end.
        await cluster.Explicit("half").ResumeAsync("orders", "c1", c1[900].Offset.ToString());
        await cluster.Client.CatchUpAsync(ProviderCluster.Provider, StreamId.Create("orders", "c1"));
        await cluster.Stream<Order>("orders", "c1").OnNextAsync(new Order("c1", 5000));
        await cluster.ArrivedAsync("half", [5000]);
        await cluster.ArrivedAsync("now", [5000]);
        int[] half = cluster.Account.Numbers("half");
        half[500..].ShouldBe([.. c1[900..].Select(e => e.Number), 5000]);
    }

    [Fact]
    public async Task A_subscription_that_its_agent_has_been_told_of_and_not_yet_met_is_waited_for()
    {
        var met = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        bool hold = false;
        await using ProviderCluster cluster = await ProviderCluster.StartAsync(configure: s => s.AddOutgoingGrainCallFilter(async call =>
        {
            if (Volatile.Read(ref hold) && call.MethodName == "GetSequenceToken" && call.TargetId.Key.ToString()!.Contains("now"))
            {
                await met.Task;
            }

            await call.Invoke();
        }));
        await cluster.Engine.PublishAsync("orders", ProviderCluster.Orders(0, 30, 3), ProviderCluster.Cancel);
        await cluster.ArrivedAsync("implicit", [.. Enumerable.Range(0, 30)]);
        await StreamingCluster.UntilAsync(() => cluster.StoredAsync("orders"), "what was delivered is stored");
        Volatile.Write(ref hold, true);
        await cluster.Explicit("now").SubscribeAsync("orders", "c1", null);
        await cluster.Client.CatchUpAsync(ProviderCluster.Provider, StreamId.Create("orders", "c1"));
        await cluster.Explicit("all").SubscribeAsync("orders", "c1", "-");
        await cluster.ArrivedAsync("all", [.. Enumerable.Range(0, 10).Select(i => (3 * i) + 1)]); // Read from the log, of which the agent hears.
        await cluster.Stream<Order>("orders", "c1").OnNextAsync(new Order("c1", 5000));
        await cluster.ArrivedAsync("implicit", [5000]); // What was asked before has reached the agent, too.
        met.SetResult();
        await UntilMetAsync();
        cluster.Account.Lines.ShouldNotContain(l => l.StartsWith("3207 "));
        cluster.Account.Numbers("now").ShouldAllBe(n => n >= 5000);

        // Events before the agent has met the subscriber are not owed to it; those after are.
        async Task UntilMetAsync()
        {
            for (int number = 5001; cluster.Account.Numbers("now").Length == 0; number++)
            {
                number.ShouldBeLessThan(7000, "the agent has met the subscriber");
                await cluster.Stream<Order>("orders", "c1").OnNextAsync(new Order("c1", number));
                await cluster.ArrivedAsync("implicit", [number]);
            }
        }
    }

    [Fact]
    public async Task A_place_that_is_not_retained_any_more_is_an_error_that_the_subscriber_hears_of_and_it_goes_on()
    {
        await using ProviderCluster cluster = await ProviderCluster.StartAsync(retain: false);
        await cluster.Engine.PublishAsync("orders", ProviderCluster.Orders(0, 300, 3), ProviderCluster.Cancel);
        await cluster.ArrivedAsync("implicit", [.. Enumerable.Range(0, 300)]);
        Account.Entry first = cluster.Account.Entries.First(e => e.Key == "c1");
        long last = cluster.Account.Entries.Last(e => e.Key == "c1").Offset.Value;
        await StreamingCluster.UntilAsync(() => Task.FromResult(cluster.ChannelOf("orders", "c1")?.TrimmedTo >= last), "all has been trimmed");

        await cluster.Explicit("late").SubscribeAsync("orders", "c1", first.Offset.ToString());
        await cluster.Stream<Order>("orders", "c1").OnNextAsync(new Order("c1", 5000));
        await cluster.ArrivedAsync("late", [5000]);
        (string subscriber, Exception error) = cluster.Account.Errors.ShouldHaveSingleItem(string.Join('\n', cluster.Account.Lines));
        subscriber.ShouldBe("late");
        error.ShouldBeOfType<StreamDataGoneException>().Message.ShouldContain("are not retained any more");
        cluster.Account.Lines.ShouldContain(l => l.StartsWith("3204 "));
    }
}

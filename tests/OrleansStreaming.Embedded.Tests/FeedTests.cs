using System.Collections.Concurrent;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using OrleansStreaming.Core;
using OrleansStreaming.Engine;

namespace OrleansStreaming.Embedded.Tests;

/// <summary>What a stream provider stands on: stable events of the partitions that are served here, a position that outlives owners, and the past.</summary>
public class FeedTests
{
    [Fact]
    public async Task All_events_arrive_in_the_order_of_their_keys_while_a_silo_is_killed_and_what_was_delivered_does_not_come_again()
    {
        using var folder = new TestFolder();
        var hub = new FeedHub();
        await using TestApp app = await StartAsync(folder, hub, silos: 2);
        await using var reader = new FeedReader(hub);
        for (int i = 0; i < 40; i++)
        {
            await app.Engine.PublishAsync("visits", [.. Enumerable.Range(i * 50, 50).Select(n => new Visit($"u{n % 20}", n))], "p", i + 1, TestApp.Cancel);
            if (i is 10 or 25)
            {
                await app.KillAsync(i == 10 ? "silo0" : "silo1", torn: true);
            }
        }

        await TestApp.UntilAsync(() => Task.FromResult(reader.Numbers().Count == 2000), "everything has arrived");
        foreach (string user in Enumerable.Range(0, 20).Select(u => $"u{u}"))
        {
            // At least once: what comes again comes in its order, too.
            int[] numbers = reader.Of(user);
            numbers.Distinct().ShouldBe(numbers.Distinct().Order());
        }

        await app.QuietAsync();
        await TestApp.UntilAsync(async () => await StoredAsync(app), "positions are stored");
        long seen = reader.Count;
        await app.KillAsync("silo0", torn: false);
        await app.Engine.PublishAsync("visits", [new Visit("u0", 2000)], "p", 41, TestApp.Cancel);
        await TestApp.UntilAsync(() => Task.FromResult(reader.Numbers().Count == 2001), "the last one has arrived");
        reader.Count.ShouldBe(seen + 1);
    }

    [Fact]
    public async Task A_reader_that_takes_nothing_holds_up_neither_operators_nor_a_stop_and_gets_everything_later()
    {
        using var folder = new TestFolder();
        await using (TestApp app = await StartAsync(folder, new FeedHub(), silos: 1))
        {
            for (int i = 0; i < 20; i++)
            {
                await app.Engine.PublishAsync("visits", [.. Enumerable.Range(i * 500, 500).Select(n => new Visit($"u{n % 20}", n))], TestApp.Cancel);
            }

            await app.QuietAsync();
        }

        var hub = new FeedHub();
        await using TestApp again = await StartAsync(folder, hub, silos: 1);
        await using var reader = new FeedReader(hub);
        await TestApp.UntilAsync(() => Task.FromResult(reader.Numbers().Count == 10_000), "everything has arrived");
    }

    [Fact]
    public async Task The_past_of_a_key_is_read_as_far_back_as_the_stream_retains_and_further_back_is_said_to_be_gone()
    {
        using var folder = new TestFolder();
        var hub = new FeedHub();
        await using TestApp app = await StartAsync(folder, hub, silos: 1, retain: true);
        await using var reader = new FeedReader(hub);
        for (int i = 0; i < 20; i++)
        {
            await app.Engine.PublishAsync("visits", [.. Enumerable.Range(i * 100, 100).Select(n => new Visit($"u{n % 10}", n))], TestApp.Cancel);
        }

        await TestApp.UntilAsync(() => Task.FromResult(reader.Numbers().Count == 2000), "everything has arrived");
        FeedEvent[] of = [.. reader.Events.Where(e => Encoding.UTF8.GetString(e.Key.Span) == "u3")];
        FeedChannel channel = hub.Channels.Single(c => c.Index == reader.PartitionOf("u3"));
        long to = of[^1].Offset;

        // In pieces, from the middle.
        FeedHistory first = (await channel.ReadAsync(new FeedRead("u3"u8.ToArray(), of[99].Offset, to, 30, false)))!;
        first.Events.Select(e => e.Offset).ShouldBe(of[100..130].Select(e => e.Offset));
        FeedHistory rest = (await channel.ReadAsync(new FeedRead("u3"u8.ToArray(), first.ReadTo, to, 1000, false)))!;
        rest.Events.Select(e => e.Offset).ShouldBe(of[130..].Select(e => e.Offset));
        rest.ReadTo.ShouldBe(to);
        rest.Events[0].Payload.ToArray().ShouldBe(of[130].Payload.ToArray());

        // Without retention all is gone once it has been delivered; the earliest there is can still be asked for.
        var shortHub = new FeedHub();
        using var shortFolder = new TestFolder();
        await using TestApp forgetful = await StartAsync(shortFolder, shortHub, silos: 1);
        await using var shortReader = new FeedReader(shortHub);
        await forgetful.Engine.PublishAsync("visits", [.. Enumerable.Range(0, 100).Select(n => new Visit("u3", n))], TestApp.Cancel);
        FeedChannel other = shortHub.Channels.Single(c => c.Index == reader.PartitionOf("u3"));
        await TestApp.UntilAsync(() => Task.FromResult(shortReader.Count == 100 && other.Delivered >= shortReader.Events.Last().Offset && other.TrimmedTo >= other.Delivered), "it has been trimmed");
        FeedEvent one = shortReader.Events.First();
        (await other.ReadAsync(new FeedRead("u3"u8.ToArray(), one.Offset, other.Delivered, 1000, false)))!.Gone.ShouldBeTrue();
        FeedHistory earliest = (await other.ReadAsync(new FeedRead("u3"u8.ToArray(), -1, other.Delivered, 1000, true)))!;
        earliest.Gone.ShouldBeFalse();
        earliest.ReadTo.ShouldBe(other.Delivered);
    }

    [Fact]
    public async Task What_has_not_been_delivered_is_kept_and_what_has_is_not()
    {
        using var folder = new TestFolder();
        var hub = new FeedHub();
        await using TestApp app = await StartAsync(folder, hub, silos: 1);
        await app.Engine.PublishAsync("visits", [.. Enumerable.Range(0, 1000).Select(n => new Visit($"u{n % 20}", n))], TestApp.Cancel);
        await app.QuietAsync();
        await TestApp.UntilAsync(() => Task.FromResult(hub.Channels.Count == 4), "all partitions are served");
        hub.Channels.ShouldAllBe(c => c.TrimmedTo < 0);
        await using (var reader = new FeedReader(hub))
        {
            await TestApp.UntilAsync(() => Task.FromResult(reader.Numbers().Count == 1000), "everything has arrived");
            await TestApp.UntilAsync(() => Task.FromResult(hub.Channels.All(c => c.TrimmedTo == c.Delivered)), "everything has been trimmed");
        }
    }

    [Fact]
    public async Task A_second_reader_gets_a_channel_of_its_own_from_what_was_delivered()
    {
        using var folder = new TestFolder();
        var hub = new FeedHub();
        await using TestApp app = await StartAsync(folder, hub, silos: 1);
        await app.Engine.PublishAsync("visits", [.. Enumerable.Range(0, 10).Select(n => new Visit("u3", n))], TestApp.Cancel);
        FeedChannel? first = null;
        await TestApp.UntilAsync(() => Task.FromResult((first = hub.Channels.FirstOrDefault(c => c.HasBatch)) is not null), "something can be taken");
        first!.TryClaim().ShouldBeTrue();
        first.TryTake(out FeedBatch? batch).ShouldBeTrue();
        long half = batch!.Events[4].Offset;
        first.Deliver(half);

        first.TryClaim().ShouldBeFalse();
        first.Replace();
        FeedChannel? second = null;
        await TestApp.UntilAsync(() => Task.FromResult((second = hub.Find(first.Partition)) is not null && second != first), "there is another one");
        first.IsClosed.ShouldBeTrue();
        second!.Start.ShouldBe(half);
        await TestApp.UntilAsync(() => Task.FromResult(second.HasBatch), "something can be taken again");
        second.TryTake(out FeedBatch? again).ShouldBeTrue();
        again!.Events.Select(e => e.Offset).ShouldBe(batch.Events.Skip(5).Select(e => e.Offset));
    }

    private static async Task<bool> StoredAsync(TestApp app)
    {
        foreach (SiloHost host in app.Engine.Hosts)
        {
            if (!await host.AskAsync(s => s.Ownerships.Active.All(p => p.Sinks.All(r => p.Manifest.Current.Sinks.GetValueOrDefault(r.Id, -1) >= p.Log.LastOffset || r.Position == p.Manifest.Current.Sinks.GetValueOrDefault(r.Id, -1)))))
            {
                return false;
            }
        }

        return true;
    }

    private static Task<TestApp> StartAsync(TestFolder folder, FeedHub hub, int silos, bool retain = false) => TestApp.StartAsync(
        folder.Path,
        s => s.AddStream<Visit>("visits", keyedBy: v => v.User, o =>
        {
            o.Partitions(4);
            if (retain)
            {
                o.Retain(TimeSpan.FromHours(1), 100 << 20);
            }
        }),
        o =>
        {
            o.Silos = silos;
            o.ArchiveAfter = TimeSpan.FromMilliseconds(100);
        },
        services: s => s.AddSingleton(new TopologyExtension(t => t.AddFeed("events", null, _ => hub))));

    /// <summary>Takes what there is of every partition that is served, and delivers it at once.</summary>
    private sealed class FeedReader : IAsyncDisposable
    {
        private readonly FeedHub _hub;
        private readonly CancellationTokenSource _stop = new();
        private readonly ConcurrentQueue<FeedEvent> _events = new();
        private readonly ConcurrentDictionary<string, int> _partitions = new();
        private readonly Task _running;

        public FeedReader(FeedHub hub)
        {
            _hub = hub;
            _running = RunAsync();
        }

        public IEnumerable<FeedEvent> Events => _events;

        public long Count => _events.Count;

        public int PartitionOf(string user) => _partitions[user];

        public IReadOnlySet<int> Numbers() => _events.Select(NumberOf).ToHashSet();

        public int[] Of(string user) => [.. _events.Where(e => Encoding.UTF8.GetString(e.Key.Span) == user).Select(NumberOf)];

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _running;
            _stop.Dispose();
        }

        private static int NumberOf(FeedEvent e) => new JsonEventSerializer<Visit>(StreamingJson.Create([])).Read(e.Payload.Span).Number;

        private async Task RunAsync()
        {
            while (!_stop.IsCancellationRequested)
            {
                foreach (FeedChannel channel in _hub.Channels)
                {
                    while (channel.TryTake(out FeedBatch? batch))
                    {
                        foreach (FeedEvent e in batch!.Events)
                        {
                            _events.Enqueue(e);
                            _partitions[Encoding.UTF8.GetString(e.Key.Span)] = channel.Index;
                        }

                        channel.Deliver(batch.To);
                    }
                }

                await Task.Delay(5, CancellationToken.None);
            }
        }
    }
}

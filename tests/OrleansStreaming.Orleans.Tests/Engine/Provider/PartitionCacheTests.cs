using Microsoft.Extensions.Logging.Abstractions;
using Orleans.Streams;
using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Clustering.Tests;

/// <summary>What counts as delivered, and what a cursor gives next, step by step.</summary>
public sealed class PartitionCacheTests
{
    private readonly Clock _clock = new();
    private readonly StreamDefinition _stream;
    private readonly PartitionCache _cache;

    public PartitionCacheTests()
    {
        var catalog = new StreamCatalog("events", new StreamingBuilder().AddStream<Order>("orders", keyedBy: o => o.Customer).Build(), []);
        _stream = catalog.Find("orders");
        var options = new StreamingProviderOptions { CacheEvents = 64, SlowAfter = TimeSpan.FromSeconds(5), SettleAfter = TimeSpan.Zero };
        _cache = new PartitionQueue(catalog, _stream, 0, new FeedHub(), options, new ProviderLog(NullLogger.Instance), _clock).Cache;
        _cache.Begin(9);
    }

    [Fact]
    public void An_event_is_delivered_when_its_subscriber_asks_for_the_next_one()
    {
        Add("a", 10, 11);
        IQueueCacheCursor cursor = Cursor("a", First(10));
        _cache.Position.ShouldBe(9);
        Moves(cursor).ShouldBeTrue();
        Given(cursor).ShouldBe([10]);
        Purge();
        _cache.Position.ShouldBe(9);
        Moves(cursor).ShouldBeTrue();
        Given(cursor).ShouldBe([11]);
        Purge();
        _cache.Position.ShouldBe(10);
        Moves(cursor).ShouldBeFalse();
        Purge();
        _cache.Position.ShouldBe(11);
    }

    [Fact]
    public void The_slowest_of_all_streams_and_subscribers_says_how_far_everything_is()
    {
        Add("a", 10);
        Add("b", 11);
        Add("c", 12);
        IQueueCacheCursor a = Cursor("a", First(10)), fast = Cursor("b", First(11)), slow = Cursor("b", First(11));
        Take(a);
        Take(fast);
        Purge();
        _cache.Position.ShouldBe(10);
        Take(slow);
        Purge();
        _cache.Position.ShouldBe(12); // Nobody wants the third.
    }

    [Fact]
    public void What_failed_is_given_again_and_what_was_not_looked_at_was_not_given()
    {
        Add("a", 10, 11);
        IQueueCacheCursor cursor = Cursor("a", First(10));
        Moves(cursor).ShouldBeTrue();
        Moves(cursor).ShouldBeTrue();
        Given(cursor).ShouldBe([10]);
        cursor.RecordDeliveryFailure();
        Moves(cursor).ShouldBeTrue();
        Given(cursor).ShouldBe([10]);
        Moves(cursor).ShouldBeTrue();
        Given(cursor).ShouldBe([11]);
    }

    [Fact]
    public void A_subscriber_that_says_what_it_was_given_gets_what_is_behind()
    {
        Add("a", 10, 11);
        IQueueCacheCursor cursor = Cursor("a", First(10));
        Moves(cursor).ShouldBeTrue();
        StreamSequenceToken given = cursor.GetCurrent(out _)!.SequenceToken;
        IQueueCacheCursor next = Cursor("a", given);
        Moves(next).ShouldBeTrue();
        Given(next).ShouldBe([11]);

        // Before this agent began everything there was had been delivered.
        IQueueCacheCursor old = Cursor("a", OffsetToken.Delivered(3, 4, false));
        Moves(old).ShouldBeTrue();
        Given(old).ShouldBe([10]);
    }

    [Fact]
    public void The_cursor_that_follows_a_lost_one_begins_at_the_earliest_wherever_it_is_asked_to()
    {
        Add("a", 10);
        IQueueCacheCursor lost = Cursor("a", First(3));
        ((CacheCursor)lost).Take(new FeedHistory([], 3, Gone: true));
        Should.Throw<StreamDataGoneException>(() => lost.MoveNextWithResult());
        lost.Dispose();

        // Orleans asks for the same place again.
        IQueueCacheCursor next = Cursor("a", First(3));
        ((CacheCursor)next).Take(new FeedHistory([], 9));
        Moves(next).ShouldBeTrue();
        Given(next).ShouldBe([10]);
        Cursor("a", First(3)).ShouldBeOfType<CacheCursor>().After.ShouldBe(2, "only the next one");
    }

    [Fact]
    public void A_full_cache_waits_for_who_moves_and_leaves_behind_who_does_not()
    {
        Add("stuck", 10);
        Add("moves", [.. Enumerable.Range(11, 70)]);
        IQueueCacheCursor stuck = Cursor("stuck", First(10)), moves = Cursor("moves", First(11));
        Moves(stuck).ShouldBeTrue();
        _cache.IsUnderPressure().ShouldBeTrue();
        Purge();
        _cache.IsUnderPressure().ShouldBeTrue();
        _clock.Advance(TimeSpan.FromSeconds(6));
        while (Moves(moves))
        {
            moves.GetCurrent(out _);
        }

        Purge();
        _cache.IsUnderPressure().ShouldBeFalse();
        _cache.Position.ShouldBe(9); // It has not got its event, and will.
        stuck.Dispose();
        Purge();
        _cache.Position.ShouldBe(80);
    }

    [Fact]
    public void A_subscription_that_is_made_late_is_owed_what_the_others_have()
    {
        Add("a", 10, 11);
        IQueueCacheCursor first = Cursor("a", First(10));
        Take(first);
        Take(first);
        _cache.Position.ShouldBe(9);
        PurgeWithoutSettling(); // Gone from the cache, and not yet stored as delivered.
        IQueueCacheCursor late = Cursor("a", First(11));
        _cache.Position.ShouldBe(10);
        Moves(late).ShouldBeFalse(); // Its event is read from the log.
        Purge();
        _cache.Position.ShouldBe(10);
        late.Dispose();
        Purge();
        _cache.Position.ShouldBe(11);
    }

    private static OffsetToken First(long offset) => new(new Offset(offset));

    private static long[] Given(IQueueCacheCursor cursor) =>
        [.. cursor.GetCurrent(out _)!.GetEvents<Order>().Select(e => e.Item2.SequenceNumber)];

    private static bool Moves(IQueueCacheCursor cursor) => cursor.MoveNextWithResult().Kind == QueueCacheCursorMoveResultKind.Success;

    private static void Take(IQueueCacheCursor cursor)
    {
        Moves(cursor).ShouldBeTrue();
        cursor.GetCurrent(out _).ShouldNotBeNull();
        Moves(cursor);
    }

    private IQueueCacheCursor Cursor(string key, StreamSequenceToken token) => _cache.GetCacheCursor(StreamId.Create("orders", key), token);

    private void Purge() => _cache.TryPurgeFromCache(out _).ShouldBeFalse();

    private void PurgeWithoutSettling() => _cache.Purge();

    /// <summary>Each event in a slice of its own.</summary>
    private void Add(string key, params int[] offsets)
    {
        foreach (int offset in offsets)
        {
            var slice = new Slice(_stream, StreamId.Create("orders", key));
            slice.Events.Add(new FeedEvent(offset, offset - 1, 0, System.Text.Encoding.UTF8.GetBytes(key), """{"customer":"a","number":1}"""u8.ToArray()));
            Received received = Received.Of(slice);
            received.To = offset;
            _cache.AddToCache([received]);
        }
    }

    private sealed class Clock : TimeProvider
    {
        private long _ticks = 1;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _ticks;

        public void Advance(TimeSpan by) => _ticks += by.Ticks;
    }
}

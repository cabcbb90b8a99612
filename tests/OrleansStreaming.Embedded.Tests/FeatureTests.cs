using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;

namespace OrleansStreaming.Embedded.Tests;

public sealed record Visit(string User, int Number);

public sealed record SessionClosed(string User, int Visits);

public struct Session
{
    public int Visits;
    public int Closed;
}

/// <summary>Closes a session some time after its last visit.</summary>
public sealed class Sessions : OperatorGrain<Session>, IConsume<Visit>, IOnTimer
{
    public ValueTask OnEvent(Visit visit, EventContext context)
    {
        State.Visits++;
        context.SetTimer("idle", TimeSpan.FromMilliseconds(150));
        return default;
    }

    public ValueTask OnTimer(string timer, EventContext context)
    {
        context.Emit("sessions", new SessionClosed(Key, State.Visits));
        State.Visits = 0;
        State.Closed++;
        return default;
    }
}

public sealed record Order(string Id, int Amount);

public sealed record Payment(string OrderId, int Paid);

public sealed record Settled(string Id, int Amount, int Paid);

public struct OrderState
{
    public int Amount;
    public int Paid;
}

/// <summary>Joins two streams.</summary>
public sealed class Settlement : OperatorGrain<OrderState>, IConsume<Order>, IConsume<Payment>
{
    public ValueTask OnEvent(Order order, EventContext context)
    {
        State.Amount += order.Amount;
        return Settle(context);
    }

    public ValueTask OnEvent(Payment payment, EventContext context)
    {
        State.Paid += payment.Paid;
        return Settle(context);
    }

    private ValueTask Settle(EventContext context)
    {
        if (State.Amount > 0 && State.Amount == State.Paid)
        {
            context.Emit("settled", new Settled(Key, State.Amount, State.Paid));
        }

        return default;
    }
}

public sealed record Quote(string Symbol, int Number);

public sealed record Priced(string Symbol, int Number, string Answer);

/// <summary>Answers differently each time that it is asked.</summary>
public sealed class PriceService
{
    private int _calls;

    public int Calls => _calls;

    public async Task<string> AskAsync(int number, CancellationToken cancellationToken)
    {
        int call = Interlocked.Increment(ref _calls);
        await Task.Yield();
        cancellationToken.ThrowIfCancellationRequested();
        return call % 7 == 0 ? throw new InvalidOperationException("the price service is tired") : $"{number}:{call}";
    }
}

public sealed class PricerState
{
    public Dictionary<int, string> Answers { get; set; } = [];
}

public sealed class Pricer(PriceService service) : OperatorGrain<PricerState>, IConsume<Quote>, ICall<int, string>
{
    public ValueTask OnEvent(Quote quote, EventContext context)
    {
        context.Call(quote.Number);
        return default;
    }

    public async ValueTask<string> Call(int request, CancellationToken cancellationToken) => await service.AskAsync(request, cancellationToken);

    public ValueTask OnResult(int request, CallResult<string> result, EventContext context)
    {
        string answer = result.Error ?? result.Value!;
        State.Answers.Add(request, answer);
        context.Emit("priced", new Priced(Key, request, answer));
        return default;
    }
}

/// <summary>Throws on every tenth event; otherwise counts.</summary>
public sealed class Picky : OperatorGrain<PageState>, IConsume<Visit>
{
    public ValueTask OnEvent(Visit visit, EventContext context)
    {
        State.Count++;
        State.Sum += visit.Number;
        if (visit.Number % 10 == 0)
        {
            throw new ArgumentException($"visit {visit.Number} is not to my taste");
        }

        return default;
    }
}

/// <summary>Takes a while, asynchronously.</summary>
public sealed class Slow : OperatorGrain<Tally>, IConsume<Visit>
{
    public async ValueTask OnEvent(Visit visit, EventContext context)
    {
        long before = State.Count;
        await Task.Yield();
        State.Count = before + 1;
        State.Sum += visit.Number;
        context.Emit("sessions", new SessionClosed(Key, (int)State.Count));
    }
}

/// <summary>Sets a timer that it cannot take.</summary>
public sealed class BadTimer : OperatorGrain<PageState>, IConsume<Visit>, IOnTimer
{
    public ValueTask OnEvent(Visit visit, EventContext context)
    {
        State.Count++;
        context.SetTimer($"t{State.Count}", TimeSpan.FromMilliseconds(1));
        return default;
    }

    public ValueTask OnTimer(string timer, EventContext context) => throw new InvalidOperationException($"cannot take {timer}");
}

/// <summary>Refuses one event until it is told to take it.</summary>
public sealed class Gate : OperatorGrain<PageState>, IConsume<Visit>
{
    private static volatile bool _open;

    public static bool Open
    {
        get => _open;
        set => _open = value;
    }

    public ValueTask OnEvent(Visit visit, EventContext context)
    {
        State.Count++;
        return visit.Number == 5 && !Open ? throw new InvalidOperationException("the gate is closed") : default;
    }
}

public class FeatureTests
{
    [Theory]
    [InlineData(FailurePolicy.Stop, 3)]
    [InlineData(FailurePolicy.StopPartition, 0)]
    public async Task An_event_may_stop_its_grain_or_its_partition_until_it_is_taken(FailurePolicy policy, int othersMeanwhile)
    {
        Gate.Open = false;
        using var folder = new TestFolder();
        await using TestApp app = await TestApp.StartAsync(
            folder.Path,
            s => s.DefaultPartitions(1)
                .AddStream<Visit>("visits", keyedBy: v => v.User)
                .AddOperator<Gate>(from: "visits", configure: o =>
                {
                    o.OnFailure = policy;
                    o.MaxAttempts = 1;
                    o.RetryDelay = o.MaxRetryDelay = TimeSpan.FromMilliseconds(20);
                }),
            o => o.DrainTimeout = TimeSpan.FromSeconds(1));
        await app.Engine.PublishAsync("visits", [new Visit("a", 5)], TestApp.Cancel);
        await TestApp.UntilAsync(() => Task.FromResult(app.Log.Lines.Any(l => l.Contains("the gate is closed"))), "the event has been refused");
        await app.Engine.PublishAsync("visits", [new Visit("b", 1), new Visit("b", 2), new Visit("b", 3)], TestApp.Cancel);
        await TestApp.UntilAsync(async () => (await app.Engine.Hosts[0].AskAsync(s => s.Counters.Throws)) > 3, "it has been refused again");
        (await app.Engine.Hosts[0].AskAsync(s => s.Counters.Events)).ShouldBe(othersMeanwhile);
        Gate.Open = true;
        await app.QuietAsync();
        Dictionary<string, string> states = await app.StatesAsync(nameof(Gate));
        states["a"].ShouldStartWith("{\"count\":1,");
        states["b"].ShouldStartWith("{\"count\":3,");
    }

    [Fact]
    public async Task Timers_that_throw_become_dead_letters_once()
    {
        using var folder = new TestFolder();
        var sink = new MemorySink<DeadLetter>();
        await using TestApp app = await TestApp.StartAsync(
            folder.Path,
            s => s.DefaultPartitions(2)
                .AddStream<Visit>("visits", keyedBy: v => v.User)
                .AddOperator<BadTimer>(from: "visits", configure: o => o.RetryDelay = TimeSpan.FromMilliseconds(1))
                .AddSink<DeadLetter>(from: "BadTimer.deadletters", _ => sink),
            o => o.Silos = 2);
        await app.Engine.PublishAsync("visits", Visits(0, 60), "p", 1, TestApp.Cancel);
        await app.KillAsync("silo0", torn: true);
        await TestApp.UntilAsync(() => Task.FromResult(sink.Events.Count >= 60), "60 dead letters");
        await app.QuietAsync();
        sink.Events.Count.ShouldBe(60);
        sink.Events.ShouldAllBe(e => e.Event.EventType == "Timer" && e.Event.Error.Contains("cannot take"));
        (await app.StatesAsync(nameof(BadTimer))).Values.ShouldAllBe(s => s.StartsWith("{\"count\":3,"));
    }

    [Fact]
    public async Task Timers_fire_once_through_kills()
    {
        using var folder = new TestFolder();
        var sink = new MemorySink<SessionClosed>();
        await using TestApp app = await TestApp.StartAsync(
            folder.Path,
            s => s.DefaultPartitions(4)
                .AddStream<Visit>("visits", keyedBy: v => v.User)
                .AddStream<SessionClosed>("sessions", keyedBy: c => c.User)
                .AddOperator<Sessions>(from: "visits", to: "sessions")
                .AddSink<SessionClosed>(from: "sessions", _ => sink),
            o => o.Silos = 3);
        for (int round = 0; round < 3; round++)
        {
            await app.Engine.PublishAsync("visits", Visits(round * 60, 60), "p", round + 1, TestApp.Cancel);
            await app.KillAsync($"silo{round}", torn: round == 1);
            int closed = 20 * (round + 1);
            await TestApp.UntilAsync(() => Task.FromResult(sink.Events.Count >= closed), $"{closed} sessions closed");
        }

        await app.QuietAsync();
        sink.Events.Sum(e => e.Event.Visits).ShouldBe(180);
        Dictionary<string, string> states = await app.StatesAsync(nameof(Sessions));
        states.Count.ShouldBe(20);
        states.Values.ShouldAllBe(s => s.StartsWith("{\"visits\":0,"));
    }

    [Fact]
    public async Task Timers_survive_the_process()
    {
        using var folder = new TestFolder();
        var sink = new MemorySink<SessionClosed>();
        void Topology(StreamingBuilder s) => s
            .AddStream<Visit>("visits", keyedBy: v => v.User)
            .AddStream<SessionClosed>("sessions", keyedBy: c => c.User)
            .AddOperator<Sessions>(from: "visits", to: "sessions")
            .AddSink<SessionClosed>(from: "sessions", _ => sink);
        await using (TestApp app = await TestApp.StartAsync(folder.Path, Topology))
        {
            await app.Engine.PublishAsync("visits", Visits(0, 40), TestApp.Cancel);
        }

        await using TestApp again = await TestApp.StartAsync(folder.Path, Topology);
        await TestApp.UntilAsync(() => Task.FromResult(sink.Events.Count >= 20), "20 sessions closed");
        await again.QuietAsync();
        sink.Events.Sum(e => e.Event.Visits).ShouldBe(40);
    }

    [Fact]
    public async Task Several_inputs_are_merged_exactly_once()
    {
        using var folder = new TestFolder();
        var sink = new MemorySink<Settled>();
        await using TestApp app = await TestApp.StartAsync(
            folder.Path,
            s => s.DefaultPartitions(3)
                .AddStream<Order>("orders", keyedBy: o => o.Id)
                .AddStream<Payment>("payments", keyedBy: p => p.OrderId)
                .AddStream<Settled>("settled", keyedBy: x => x.Id)
                .AddOperator<Settlement>(from: ["orders", "payments"], to: "settled")
                .AddSink<Settled>(from: "settled", _ => sink),
            o => o.Silos = 3,
            f => f.FlushDelay = TimeSpan.FromMilliseconds(5));
        for (int round = 0; round < 6; round++)
        {
            string[] ids = [.. Enumerable.Range(round * 50, 50).Select(i => $"order-{i}")];
            Task orders = app.Engine.PublishAsync("orders", ids.Select(i => new Order(i, 7)), "o", round + 1, TestApp.Cancel);
            Task payments = app.Engine.PublishAsync("payments", ids.Select(i => new Payment(i, 7)), "p", round + 1, TestApp.Cancel);
            if (round % 2 == 1)
            {
                await app.KillAsync($"silo{round / 2}", torn: true);
            }

            await Task.WhenAll(orders, payments);
        }

        await app.QuietAsync();
        sink.Events.Select(e => e.Event.Id).Order().ShouldBe(Enumerable.Range(0, 300).Select(i => $"order-{i}").Order());
        sink.Events.ShouldAllBe(e => e.Event.Amount == 7 && e.Event.Paid == 7);
    }

    [Fact]
    public async Task Strict_streams_never_roll_a_reader_back()
    {
        using var folder = new TestFolder();
        var sink = new MemorySink<PageReport>();
        await using TestApp app = await TestApp.StartAsync(
            folder.Path,
            s => s.DefaultPartitions(4)
                .AddStream<Click>("clicks", keyedBy: c => c.User)
                .AddStream<View>("views", keyedBy: v => v.Page, x => x.Strict())
                .AddStream<PageReport>("reports", keyedBy: r => r.Page)
                .AddOperator<ClicksByUser>(from: "clicks", to: "views")
                .AddOperator<ViewsByPage>(from: "views", to: "reports")
                .AddSink<PageReport>(from: "reports", _ => sink),
            o => o.Silos = 3,
            f => f.FlushDelay = TimeSpan.FromMilliseconds(10));
        var all = new List<Click>();
        for (int round = 0; round < 9; round++)
        {
            Click[] clicks = ClickCounting.Clicks(round * 100, 100);
            Task published = app.Engine.PublishAsync("clicks", clicks, "p", round + 1, TestApp.Cancel);
            if (round % 3 == 1)
            {
                await app.KillAsync($"silo{round / 3}");
            }

            await published;
            all.AddRange(clicks);
        }

        await app.QuietAsync();
        await ClickCounting.ShouldMatchAsync(app.StatesAsync, sink, all);
        app.Engine.GetRollbacks().SelectMany(r => r.Grains).ShouldNotContain(g => g.Operator == nameof(ViewsByPage));
    }

    [Fact]
    public async Task Recorded_calls_have_one_answer_each()
    {
        using var folder = new TestFolder();
        var sink = new MemorySink<Priced>();
        await using TestApp app = await TestApp.StartAsync(
            folder.Path,
            s => s.DefaultPartitions(3)
                .AddStream<Quote>("quotes", keyedBy: q => q.Symbol)
                .AddStream<Priced>("priced", keyedBy: p => p.Symbol)
                .AddOperator<Pricer>(from: "quotes", to: "priced", configure: o => o.MaxAttempts = 20)
                .AddSink<Priced>(from: "priced", _ => sink),
            o => o.Silos = 3,
            f => f.FlushDelay = TimeSpan.FromMilliseconds(5),
            services => services.AddSingleton<PriceService>());
        for (int round = 0; round < 6; round++)
        {
            Task published = app.Engine.PublishAsync("quotes", Enumerable.Range(round * 30, 30).Select(i => new Quote($"s{i % 11}", i)), "p", round + 1, TestApp.Cancel);
            if (round % 2 == 0)
            {
                await app.KillAsync($"silo{round / 2}", torn: true);
            }

            await published;
        }

        await TestApp.UntilAsync(() => Task.FromResult(sink.Events.Count >= 180), "180 answers");
        await app.QuietAsync();
        sink.Events.Count.ShouldBe(180);
        sink.Events.Select(e => e.Event.Number).Distinct().Count().ShouldBe(180);
        Dictionary<string, string> states = await app.StatesAsync(nameof(Pricer));
        foreach (SinkEvent<Priced> priced in sink.Events)
        {
            states[priced.Event.Symbol].ShouldContain($"\"{priced.Event.Number}\":\"{priced.Event.Answer}\"");
        }
    }

    [Fact]
    public async Task Events_that_throw_become_dead_letters_once()
    {
        using var folder = new TestFolder();
        var sink = new MemorySink<DeadLetter>();
        await using TestApp app = await TestApp.StartAsync(
            folder.Path,
            s => s.DefaultPartitions(3)
                .AddStream<Visit>("visits", keyedBy: v => v.User)
                .AddOperator<Picky>(from: "visits", configure: o => o.RetryDelay = TimeSpan.FromMilliseconds(1))
                .AddSink<DeadLetter>(from: "Picky.deadletters", _ => sink),
            o => o.Silos = 3,
            f => f.FlushDelay = TimeSpan.FromMilliseconds(5));
        for (int round = 0; round < 6; round++)
        {
            Task published = app.Engine.PublishAsync("visits", Visits(round * 100, 100), "p", round + 1, TestApp.Cancel);
            if (round % 2 == 0)
            {
                await app.KillAsync($"silo{round / 2}", torn: true);
            }

            await published;
        }

        await app.QuietAsync();
        sink.Events.Count.ShouldBe(60);
        sink.Events.ShouldAllBe(e => e.Event.Error.Contains("not to my taste") && e.Event.Operator == "Picky" && e.Event.EventType.EndsWith("Visit"));
        Dictionary<string, string> states = await app.StatesAsync(nameof(Picky));
        int[] good = [.. Enumerable.Range(0, 600).Where(i => i % 10 != 0)];
        foreach (IGrouping<int, int> user in good.GroupBy(i => i % 20))
        {
            states[$"u{user.Key}"].ShouldBe($$"""{"count":{{user.Count()}},"sum":{{user.Sum()}}}""");
        }
    }

    [Fact]
    public async Task Asynchronous_turns_of_one_grain_do_not_overlap()
    {
        using var folder = new TestFolder();
        var sink = new MemorySink<SessionClosed>();
        await using TestApp app = await TestApp.StartAsync(
            folder.Path,
            s => s.DefaultPartitions(3)
                .AddStream<Visit>("visits", keyedBy: v => v.User)
                .AddStream<SessionClosed>("sessions", keyedBy: c => c.User)
                .AddOperator<Slow>(from: "visits", to: "sessions")
                .AddSink<SessionClosed>(from: "sessions", _ => sink),
            o => o.Silos = 3,
            f => f.FlushDelay = TimeSpan.FromMilliseconds(3));
        for (int round = 0; round < 6; round++)
        {
            Task published = app.Engine.PublishAsync("visits", Visits(round * 1000, 1000), "p", round + 1, TestApp.Cancel);
            if (round % 2 == 0)
            {
                await app.KillAsync($"silo{round / 2}");
            }

            await published;
        }

        await app.QuietAsync();
        sink.Events.Count.ShouldBe(6000);
        foreach (IGrouping<string, SinkEvent<SessionClosed>> user in sink.Events.GroupBy(e => e.Event.User))
        {
            user.Select(e => e.Event.Visits).ShouldBe(Enumerable.Range(1, 300));
        }
    }

    [Fact]
    public async Task An_operator_added_later_reads_what_is_retained()
    {
        using var folder = new TestFolder();
        void Before(StreamingBuilder s) => s
            .AddStream<Visit>("visits", keyedBy: v => v.User, x => x.Retain(TimeSpan.FromDays(1), 1 << 30))
            .AddStream<SessionClosed>("sessions", keyedBy: c => c.User)
            .AddOperator<Slow>(from: "visits", to: "sessions");
        await using (TestApp app = await TestApp.StartAsync(folder.Path, Before))
        {
            await app.Engine.PublishAsync("visits", Visits(0, 500), "p", 1, TestApp.Cancel);
            await app.QuietAsync();
            await app.StopAsync();
        }

        await using TestApp again = await TestApp.StartAsync(
            folder.Path,
            s =>
            {
                Before(s);
                s.AddOperator<Picky>(from: "visits", configure: o => o.RetryDelay = TimeSpan.FromMilliseconds(1));
            },
            o => o.Silos = 2);
        await again.Engine.PublishAsync("visits", Visits(500, 100), "p", 2, TestApp.Cancel);
        await again.KillAsync("silo0");
        await again.QuietAsync();
        Dictionary<string, string> states = await again.StatesAsync(nameof(Picky));
        states["u1"].ShouldBe($$"""{"count":30,"sum":{{Enumerable.Range(0, 600).Where(i => i % 20 == 1).Sum()}}}""");
        (await again.StatesAsync(nameof(Slow)))["u1"].ShouldStartWith("{\"count\":30,");
    }

    [Fact]
    public async Task Idle_grains_leave_memory_and_come_back()
    {
        using var folder = new TestFolder();
        await using TestApp app = await TestApp.StartAsync(
            folder.Path,
            s => s.AddStream<Visit>("visits", keyedBy: v => v.User)
                .AddStream<SessionClosed>("sessions", keyedBy: c => c.User)
                .AddOperator<Slow>(from: "visits", to: "sessions", configure: o => o.IdleAfter = TimeSpan.FromMilliseconds(50)));
        await app.Engine.PublishAsync("visits", Visits(0, 200), TestApp.Cancel);
        await TestApp.UntilAsync(() => Task.FromResult(app.Engine.GetTotals().Grains == 0), "all grains have left memory");
        (await app.StatesAsync(nameof(Slow)))["u3"].ShouldBe("{\"count\":10,\"sum\":930}");
        await app.Engine.PublishAsync("visits", [new Visit("u3", 1000)], TestApp.Cancel);
        await app.QuietAsync();
        (await app.StatesAsync(nameof(Slow)))["u3"].ShouldBe("{\"count\":11,\"sum\":1930}");
    }

    [Theory]
    [InlineData(OperatorHosting.Dense)]
    [InlineData(OperatorHosting.GrainPerKey)]
    public async Task No_more_grains_than_allowed_stay_in_memory(OperatorHosting hosting)
    {
        const int Users = 500, Rounds = 4, Allowed = 40;
        using var folder = new TestFolder();
        await using TestApp app = await TestApp.StartAsync(
            folder.Path,
            s => s.AddStream<Visit>("visits", keyedBy: v => v.User)
                .AddStream<SessionClosed>("sessions", keyedBy: c => c.User)
                .AddOperator<Slow>(from: "visits", to: "sessions", configure: o => (o.MaxResident, o.Hosting) = (Allowed, hosting)));
        for (int round = 0; round < Rounds; round++)
        {
            await app.Engine.PublishAsync("visits", [.. Enumerable.Range(0, Users).Select(i => new Visit($"u{i}", round))], "p", round + 1, TestApp.Cancel);
            if (round == 1)
            {
                await app.KillAsync("silo0");
            }

            await TestApp.UntilAsync(() => Task.FromResult(app.Engine.GetTotals().Grains <= Allowed), "most grains have left memory, long before they are idle");
        }

        await app.QuietAsync();
        Dictionary<string, string> states = await app.StatesAsync(nameof(Slow));
        states.Count.ShouldBe(Users);
        states.Values.ShouldAllBe(state => state == "{\"count\":4,\"sum\":6}");
        app.Engine.Hosts[0].Totals.Reactivated.ShouldBeGreaterThan(Users, "they came back from their checkpoints");
    }

    [Fact]
    public async Task A_stream_that_is_left_out_for_a_while_keeps_what_it_retains()
    {
        using var folder = new TestFolder();
        void With(StreamingBuilder s) => s
            .AddStream<Visit>("visits", keyedBy: v => v.User, x => x.Retain(TimeSpan.FromDays(1), 1 << 30))
            .AddStream<SessionClosed>("sessions", keyedBy: c => c.User);
        void Without(StreamingBuilder s) => s.AddStream<SessionClosed>("sessions", keyedBy: c => c.User);
        await using (TestApp app = await TestApp.StartAsync(folder.Path, With))
        {
            await app.Engine.PublishAsync("visits", Visits(0, 100), TestApp.Cancel);
            await app.StopAsync();
        }

        await using (TestApp app = await TestApp.StartAsync(folder.Path, Without))
        {
            await app.Engine.PublishAsync("sessions", [new SessionClosed("u", 1)], TestApp.Cancel);
            await TestApp.UntilAsync(() => app.Engine.Hosts[0].AskAsync(s => s.Trims > 0), "journals have been trimmed");
            await app.StopAsync();
        }

        await using TestApp again = await TestApp.StartAsync(folder.Path, s =>
        {
            With(s);
            s.AddOperator<Slow>(from: "visits", to: "sessions");
        });
        await again.QuietAsync();
        (await again.StatesAsync(nameof(Slow)))["u3"].ShouldStartWith("{\"count\":5,");
    }

    [Fact]
    public async Task Starts_leave_no_journals_behind()
    {
        using var folder = new TestFolder();
        for (int i = 0; i < 4; i++)
        {
            await using TestApp app = await TestApp.StartAsync(folder.Path, s => s.DefaultPartitions(2)
                .AddStream<Visit>("visits", keyedBy: v => v.User)
                .AddStream<SessionClosed>("sessions", keyedBy: c => c.User)
                .AddOperator<Slow>(from: "visits", to: "sessions"));
            await app.Engine.PublishAsync("visits", Visits(i * 10, 10), TestApp.Cancel);
            if (i == 3)
            {
                await TestApp.UntilAsync(() => Task.FromResult(Directory.GetDirectories(folder["journals"]).Length == 1), "only the journal in use is left");
            }

            await app.StopAsync();
        }
    }

    private static Visit[] Visits(int from, int count) => [.. Enumerable.Range(from, count).Select(i => new Visit($"u{i % 20}", i))];
}

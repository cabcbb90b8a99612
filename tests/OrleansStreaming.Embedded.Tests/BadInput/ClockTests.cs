using Microsoft.Extensions.DependencyInjection;

namespace OrleansStreaming.Embedded.Tests.BadInput;

/// <summary>A wall clock that is set back by an hour and forward by a day.</summary>
public class ClockTests
{
    [Fact]
    public async Task A_clock_that_jumps_changes_no_total_and_delays_no_timer()
    {
        using var folder = new TestFolder();
        var sink = new MemorySink<SessionClosed>();
        var clock = new JumpingClock();
        await using TestApp app = await TestApp.StartAsync(
            folder.Path,
            s => s.DefaultPartitions(4)
                .AddStream<Visit>("visits", keyedBy: v => v.User)
                .AddStream<SessionClosed>("sessions", keyedBy: c => c.User)
                .AddOperator<Sessions>(from: "visits", to: "sessions")
                .AddSink<SessionClosed>(from: "sessions", _ => sink),
            o => o.Silos = 2,
            services: services => services.AddSingleton<TimeProvider>(clock));

        // A partition that moves between silos whose clocks stand apart takes its timers to the other clock: not here.
        await TestApp.UntilAsync(
            async () => (await Task.WhenAll(app.Engine.Hosts.Select(h => h.AskAsync(s => s.Ownerships.Active.Count)))) is [> 0 and var one, > 0 and var two] && Math.Abs(one - two) <= 1,
            "the partitions are where they stay");
        TimeSpan[] jumps = [TimeSpan.Zero, TimeSpan.FromHours(-1), TimeSpan.FromDays(1), TimeSpan.FromHours(-1), TimeSpan.FromDays(-1)];
        for (int round = 0; round < jumps.Length; round++)
        {
            // In the middle of sessions: their timers are set when the clock jumps.
            Visit[] visits = [.. Enumerable.Range(round * 60, 60).Select(i => new Visit($"u{i % 20}", i))];
            await app.Engine.PublishAsync("visits", visits[..40], "p", (2 * round) + 1, TestApp.Cancel);
            clock.Jump(jumps[round]);
            await app.Engine.PublishAsync("visits", visits[40..], "p", (2 * round) + 2, TestApp.Cancel);
            int all = 60 * (round + 1);
            await TestApp.UntilAsync(() => Task.FromResult(sink.Events.Sum(e => e.Event.Visits) >= all), $"all sessions closed after the jump by {jumps[round]}");
        }

        await app.QuietAsync();
        sink.Events.Sum(e => e.Event.Visits).ShouldBe(60 * jumps.Length);
        (await app.StatesAsync(nameof(Sessions))).Values.ShouldAllBe(s => s.StartsWith("{\"visits\":0,"));
        (await app.Engine.GetHealthAsync()).Problems.ShouldBeEmpty();
    }

    private sealed class JumpingClock : TimeProvider
    {
        private long _ticks;

        public void Jump(TimeSpan by) => Interlocked.Add(ref _ticks, by.Ticks);

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + TimeSpan.FromTicks(Interlocked.Read(ref _ticks));
    }
}

using OrleansStreaming.Core;

namespace OrleansStreaming.Embedded.Tests;

/// <summary>Names of producers, which have to be read before a log can be trimmed.</summary>
public class NameTableTests
{
    [Fact]
    public async Task Names_of_rows_that_have_left_memory_are_read_on_without_another_checkpoint()
    {
        using var folder = new TestFolder();
        await using TestApp app = await TestApp.StartAsync(
            folder.Path,
            s => s.AddStream<Tick>("ticks", keyedBy: t => t.Meter, o => o.Partitions(1))
                .AddStream<Tick>("copies", keyedBy: t => t.Meter, o => o.Partitions(1))
                .AddOperator<Copier>(from: "ticks", to: "copies"),
            o =>
            {
                o.Silos = 1;
                o.MemoryBudgetBytes = 1 << 20;
                o.CheckpointEvery = TimeSpan.FromHours(1);
            });
        for (int i = 0; i < 40; i++)
        {
            await app.Engine.PublishAsync("ticks", Enumerable.Range(0, 2000).Select(n => new Tick(n % 100, i)), TestApp.Cancel);
        }

        await app.QuietAsync();
        await TestApp.UntilAsync(() => AskAsync(p => p.Log.HeldBytes < p.Log.BytesFrom(0) / 2), "most of it has left memory");
        (await AskAsync(p => p.Duplicates.StablePosition < 0)).ShouldBeTrue("no checkpoint has been taken");

        await AskAsync(p =>
        {
            p.Checkpoints.Force();
            return true;
        });
        await TestApp.UntilAsync(() => AskAsync(p => p.Duplicates.StablePosition == p.Log.LastOffset), "all names have been read");

        Task<bool> AskAsync(Func<Partition, bool> question) =>
            app.Engine.Hosts[0].AskAsync(s => question(s.Ownerships.Active.Single(p => p.Stream.Name == "copies")));
    }

    public sealed class Copier : OperatorGrain<long, Tally>, IConsume<Tick>
    {
        public ValueTask OnEvent(Tick tick, EventContext context)
        {
            State.Count++;
            context.Emit("copies", tick);
            return default;
        }
    }
}

using System.Collections.Concurrent;

namespace OrleansStreaming.Embedded.Tests;

public sealed record Marked(string Key, string Mark);

/// <summary>Passes what it gets on, marked as its own, under another key.</summary>
public sealed class Marker : OperatorGrain<Tally>, IConsume<Marked>
{
    public ValueTask OnEvent(Marked marked, EventContext context)
    {
        State.Count++;
        context.Emit("out", new Marked($"k{State.Count % 5}", marked.Mark.Replace("mark-", "mark-o", StringComparison.Ordinal)));
        return default;
    }
}

/// <summary>
/// The page cache survives a killed process, so killing proves nothing about flushing. Here the file layer tells what has
/// been flushed when an acknowledgement or a release is seen.
/// </summary>
public class DurabilityTests
{
    [Fact]
    public async Task No_acknowledgement_and_no_release_precedes_its_flush() => (await RunAsync(lie: false)).ShouldBeEmpty();

    [Fact]
    public async Task A_skipped_flush_is_found() => (await RunAsync(lie: true)).ShouldNotBeEmpty();

    private static async Task<IReadOnlyCollection<string>> RunAsync(bool lie)
    {
        var early = new ConcurrentBag<string>();
        var files = new FlushRecorder(lie);
        using var folder = new TestFolder();
        var sink = new MemorySink<Marked>
        {
            Before = batch =>
            {
                foreach (SinkEvent<Marked> released in batch.Events)
                {
                    // The output itself, and the input that it stems from, in another silo's journal.
                    foreach (string mark in new[] { released.Event.Mark, released.Event.Mark.Replace("mark-o", "mark-", StringComparison.Ordinal) })
                    {
                        if (!files.IsFlushed(mark))
                        {
                            early.Add($"{mark} was released before it was flushed");
                        }
                    }
                }
            },
        };
        await using TestApp app = await TestApp.StartAsync(
            folder.Path,
            s => s.DefaultPartitions(4)
                .AddStream<Marked>("in", keyedBy: m => m.Key)
                .AddStream<Marked>("out", keyedBy: m => m.Key)
                .AddOperator<Marker>(from: "in", to: "out")
                .AddSink<Marked>(from: "out", _ => sink),
            o => o.Silos = 3,
            f => f.Files = files);
        int next = 0;
        for (int round = 0; round < 30; round++)
        {
            Marked[] batch = [.. Enumerable.Range(0, 10).Select(_ => new Marked($"key{next % 17}", $"mark-{next++}-"))];
            Task<IngestAnswer> published = app.Engine.PublishAsync("in", batch, "p", round + 1, TestApp.Cancel);
            if (round % 10 == 5)
            {
                await app.KillAsync($"silo{round / 10}", torn: true);
            }

            await published;
            foreach (Marked marked in batch.Where(m => !files.IsFlushed(m.Mark)))
            {
                early.Add($"{marked.Mark} was acknowledged before it was flushed");
            }
        }

        await app.QuietAsync();
        sink.Events.Count.ShouldBe(next);
        return early;
    }
}

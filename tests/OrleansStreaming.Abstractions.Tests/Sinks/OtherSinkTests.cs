namespace OrleansStreaming.Abstractions.Tests.Sinks;

public class OtherSinkTests
{
    private static readonly SinkPartition Partition = new("sink", "reports", 0, 1);

    private static readonly SinkBatch<Report> Batch = new(Partition, Offset.None, new Offset(1, 1),
        [new(new Report("A", 1), new Offset(1, 0), "a", default), new(new Report("B", 2), new Offset(1, 1), "b", default)]);

    [Fact]
    public async Task The_console_gets_a_line_for_each_event()
    {
        StringWriter output = new() { NewLine = "\n" };
        ConsoleSink<Report> sink = new(output);
        (await sink.OpenAsync(Partition, default)).ShouldBeNull();
        await sink.WriteAsync(Batch, default);
        output.ToString().ReplaceLineEndings("\n").ShouldBe("reports {\"airport\":\"A\",\"mean\":1}\nreports {\"airport\":\"B\",\"mean\":2}\n");
    }

    [Fact]
    public async Task A_function_gets_batches_or_events()
    {
        List<string> seen = [];
        DelegateSink<Report> events = new(report => seen.Add(report.Airport));
        (await events.OpenAsync(Partition, default)).ShouldBeNull();
        await events.WriteAsync(Batch, default);
        DelegateSink<Report> batches = new((batch, _) =>
        {
            seen.Add(batch.To.ToString());
            return default;
        });
        await batches.WriteAsync(Batch, default);
        DelegateSink<Report> slow = new(async report =>
        {
            await Task.Yield();
            seen.Add("slow " + report.Airport);
        });
        await slow.WriteAsync(Batch, default);
        seen.ShouldBe(["A", "B", "1.1", "slow A", "slow B"]);
    }
}

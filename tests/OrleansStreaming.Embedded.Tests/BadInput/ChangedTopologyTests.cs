using System.Buffers;
using System.Runtime.InteropServices;

namespace OrleansStreaming.Embedded.Tests.BadInput;

public struct Reading
{
    public long Id;
    public double Celsius;
}

public sealed record Note(string Key, string Text);

public sealed record Remark(string Key, string Text);

/// <summary>A program that no longer fits what is stored: it does not start, says every difference, and changes nothing.</summary>
public class ChangedTopologyTests
{
    [Fact]
    public Task A_changed_number_of_partitions_is_refused() => ShouldBeRefusedAsync(
        s => Topology<Note>(s, 3, n => n.Key),
        s => Topology<Note>(s, 5, n => n.Key),
        "Stream 'readings' has 3 partitions and would now have 5",
        "Stream 'notes' has 3 partitions and would now have 5",
        "use Partitions(3)");

    [Fact]
    public Task A_blittable_type_with_another_layout_is_refused() => ShouldBeRefusedAsync(
        s => Topology<Note>(s.UseSerializer(new EarlierLayout()), 3, n => n.Key),
        s => Topology<Note>(s, 3, n => n.Key),
        "Stream 'readings'",
        $"was stored as '{EarlierLayout.Text}' and would now be 'blittable:{{Id=Int64@0,Celsius=Double@8}};16'",
        "UseSerializer");

    [Fact]
    public Task A_renamed_type_is_refused() => ShouldBeRefusedAsync(
        s => Topology<Note>(s, 3, n => n.Key),
        s => Topology<Remark>(s, 3, r => r.Key),
        "Stream 'notes' carried OrleansStreaming.Embedded.Tests.BadInput.Note and no longer does",
        "declare the type again");

    private static void Topology<TNote>(StreamingBuilder s, int partitions, Func<TNote, string> key) => s
        .DefaultPartitions(partitions)
        .AddStream<Reading>("readings", keyedBy: r => r.Id)
        .AddStream("notes", keyedBy: key);

    private static async Task ShouldBeRefusedAsync(Action<StreamingBuilder> before, Action<StreamingBuilder> after, params string[] says)
    {
        using var folder = new TestFolder();
        await using (TestApp app = await TestApp.StartAsync(folder.Path, before))
        {
            await app.Engine.PublishAsync("notes", [new Note("a", "b")], "p", 1, TestApp.Cancel);
            await app.Engine.PublishAsync("readings", [new Reading { Id = 1, Celsius = 20 }], "p", 1, TestApp.Cancel);
        }

        string record = StoredData.Record(folder.Path, "deployment");
        byte[] stored = await File.ReadAllBytesAsync(record, TestApp.Cancel);
        DeploymentMismatchException error = await Should.ThrowAsync<DeploymentMismatchException>(() => TestApp.StartAsync(folder.Path, after));
        foreach (string part in says)
        {
            error.Message.ShouldContain(part);
        }

        (await File.ReadAllBytesAsync(record, TestApp.Cancel)).ShouldBe(stored);

        // The right program goes on, and knows what it had taken.
        await using TestApp again = await TestApp.StartAsync(folder.Path, before);
        (await again.Engine.PublishAsync("notes", [new Note("a", "b")], "p", 1, TestApp.Cancel)).Accepted.ShouldBe(0);
        (await again.Engine.PublishAsync("readings", [new Reading { Id = 1, Celsius = 20 }], "p", 1, TestApp.Cancel)).Accepted.ShouldBe(0);
    }

    /// <summary>As if the fields had once been in another order.</summary>
    private sealed class EarlierLayout : IEventSerializer<Reading>
    {
        public const string Text = "blittable:{Celsius=Double@0,Id=Int64@8};16";

        public string Schema => Text;

        public bool CanRead(string storedSchema) => false;

        public void Write(in Reading value, IBufferWriter<byte> output) => output.Write(MemoryMarshal.AsBytes([value.Celsius, BitConverter.Int64BitsToDouble(value.Id)]));

        public Reading Read(ReadOnlySpan<byte> bytes) => new()
        {
            Celsius = MemoryMarshal.Read<double>(bytes),
            Id = MemoryMarshal.Read<long>(bytes[8..]),
        };
    }
}

using System.Text;

namespace OrleansStreaming.Core.Tests;

/// <summary>Who made the rows of a block is found again when it is read, so that its names need not be read once more.</summary>
public class BlockMakerTests
{
    private byte[] _producer = [];

    [Fact]
    public void One_producer_is_known_by_its_last_name()
    {
        LogBlock read = Read(External("a", 3), External("a", 4), External("a", 4));
        Producer(read).ShouldBe("a");
        read.LastName.ShouldBe(new RecordName(4, 0));
        read.OnlyGrains.ShouldBeFalse();
    }

    [Fact]
    public void Nobody_by_name_is_one_producer() => Producer(Read(Anonymous(), Anonymous())).ShouldBe("");

    [Fact]
    public void Two_producers_or_names_out_of_order_or_a_record_of_a_grain_are_not_one()
    {
        Read(External("a", 3), External("b", 4)).OnlyProducer.ShouldBeNull();
        Read(External("a", 3), External("b", 4), External("a", 5)).OnlyProducer.ShouldBeNull();
        Read(External("a", 3), External("a", 2)).OnlyProducer.ShouldBeNull();
        Read(External("a", 3), Anonymous()).OnlyProducer.ShouldBeNull();
        Read(Anonymous(), External("a", 3)).OnlyProducer.ShouldBeNull();
        Read(Self(), Anonymous()).OnlyProducer.ShouldBeNull();
        Read(External("a", 3), FromGrain(7)).OnlyProducer.ShouldBeNull();
        Read(FromGrain(7), External("a", 3)).OnlyGrains.ShouldBeFalse();
    }

    [Fact]
    public void The_highest_inputs_of_grains_are_known_whatever_else_has_no_name()
    {
        LogBlock read = Read(FromGrain(7), Anonymous(), FromGrain(9), Self(), FromGrain(8));
        read.OnlyGrains.ShouldBeTrue();
        read.Inputs.Length.ShouldBe(1);
        (read.Inputs[0].OperatorId, read.Inputs[0].SourcePartition, read.Inputs[0].Highest).ShouldBe((2, 5, 9));
    }

    [Fact]
    public void Blocks_of_one_producer_share_its_key() => Read(External("a", 3)).OnlyProducer.ShouldBeSameAs(Read(External("a", 4)).OnlyProducer);

    private static string? Producer(LogBlock block) => block.OnlyProducer is { } key ? Encoding.UTF8.GetString(key) : null;

    private static Maker External(string producer, long sequence) => new(ProducerKind.External, producer, sequence);

    private static Maker Anonymous() => new(ProducerKind.None, "", 0);

    private static Maker Self() => new(ProducerKind.Self, "", 1);

    private static Maker FromGrain(long input) => new(ProducerKind.Grain, "g", input);

    /// <summary>Writes rows into a frame, and reads the block as a recovery does.</summary>
    private LogBlock Read(params Maker[] makers)
    {
        var written = new LogBlock(1, 3, 7, new Offset(1, 0), 0);
        foreach (Maker maker in makers)
        {
            var row = new Row
            {
                Key = "key"u8,
                Producer = maker.Kind,
                ProducerKey = Encoding.UTF8.GetBytes(maker.Key),
                OperatorId = maker.Kind is ProducerKind.Grain or ProducerKind.Self ? 2 : 0,
                Name = new RecordName(maker.Name, 0),
            };
            written.Append(ref row, null);
        }

        byte[] bytes = [.. FrameCodec.Encode(7, 0, [written]).Pieces.SelectMany(p => p.ToArray())];
        LogBlock read = FrameCodec.Decode(3, new StoredFrame(7, bytes), (_, _) => true).ShouldHaveSingleItem();
        read.OnlyProducer.ShouldBeNull("nobody has looked yet");
        read.OnlyGrains.ShouldBeFalse();
        int at = 0;
        for (int i = 0; i < read.Count; i++)
        {
            at += Row.Read(read.Rows[at..], read.BaseTime, out Row row);
            read.NoteMaker(in row, i == 0, row.Producer == ProducerKind.Grain ? 5 : -1, ref _producer);
        }

        return read;
    }

    private sealed record Maker(ProducerKind Kind, string Key, long Name);
}

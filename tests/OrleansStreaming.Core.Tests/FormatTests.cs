using System.Text;
using OrleansStreaming.Core.Tests.Formats;

namespace OrleansStreaming.Core.Tests;

/// <summary>Pins the formats of docs/formats.md: what was written once can be read for ever.</summary>
public class FormatTests
{
    /// <summary>Two rows of partition 2049 in frame 7 of journal 3; the second depends on J1:4.</summary>
    private const string Frame =
        "4F534A46010000003E00000002000000070000000000000044E08BC90B5F12B3" // header: mark, version, flags, length, R, LSN, checksums
        + "01000000"                                                       // one block
        + "010800000500000000020000" + "E803000000000000" + "02000000" + "19000000" + "0100" // partition, first offset, base time, rows, length, slots
        + "010104"                                                         // the slot: one entry, J1:4
        + "00" + "036B6579" + "0568656C6C6F"                               // kind, key, payload; its time is the block's
        + "64" + "01" + "0E" + "036B6579" + "02" + "0167" + "3A" + "00" + "0131"; // grain, slot 1, +7 µs, key, operator 2, key g, input 58, ordinal 0, payload

    [Fact]
    public void A_frame_is_written_as_it_always_was() => Convert.ToHexString(Bytes(MakeFrame())).ShouldBe(Frame);

    [Fact]
    public void A_frame_survives_its_encoding()
    {
        LogBlock block = FrameCodec.Decode(3, new StoredFrame(7, Bytes(MakeFrame())), (_, _) => true).ShouldHaveSingleItem();
        block.Partition.ShouldBe(2049);
        block.Lsn.ShouldBe(7);
        block.SealVersion.ShouldBe(2);
        block.First.ShouldBe(new Offset(2, 5));
        block.Count.ShouldBe(2);
        int at = Row.Read(block.Rows, block.BaseTime, out Row first);
        first.Kind.ShouldBe(RecordKind.Event);
        Encoding.UTF8.GetString(first.Key).ShouldBe("key");
        Encoding.UTF8.GetString(first.Payload).ShouldBe("hello");
        first.Time.ShouldBe(1000);
        Row.Read(block.Rows[at..], block.BaseTime, out Row second);
        second.Producer.ShouldBe(ProducerKind.Grain);
        second.OperatorId.ShouldBe(2);
        second.Name.ShouldBe(new RecordName(58, 0));
        second.Time.ShouldBe(1007);
        block.VectorOf(second.Slot)!.ToString().ShouldBe("{J1:4}");
        block.VectorOf(first.Slot).ShouldBeNull();
    }

    [Fact]
    public void A_void_row_is_void_for_whoever_reads_it_later()
    {
        var journals = new JournalTable();
        LogBlock block = MakeBlock();
        journals.Seal(1, 3);
        block.Refresh(journals).ShouldBeTrue();
        block.IsVoid(1).ShouldBeTrue();
        LogBlock read = FrameCodec.Decode(3, new StoredFrame(7, Bytes(FrameCodec.Encode(7, 2, [block]))), (_, _) => true)[0];
        read.IsVoid(1).ShouldBeFalse("the reader has not applied the seal yet");
        read.Refresh(journals).ShouldBeTrue();
        read.IsVoid(1).ShouldBeTrue();
    }

    [Fact]
    public void A_table_of_producers_that_was_read_lets_go_of_what_it_was_read_from()
    {
        var table = new ProducerTable();
        for (int i = 0; i < 100; i++)
        {
            table.Raise(Key(i), new ProducerEntry(new RecordName(i, 0), 3, 7, 1000));
        }

        byte[] bytes = table.ToBytes();
        ProducerTable read = ProducerTable.Parse("run", bytes);
        read.RemoveWhere((_, entry) => entry.Name.Input >= 10);
        bytes.AsSpan().Clear();
        read.Raise(Key(5), new ProducerEntry(new RecordName(500, 0), 3, 7, 1000)).ShouldBeFalse();
        read.Entries.Select(e => (e.Key.Span[^1], e.Value.Name.Input)).Order()
            .ShouldBe(Enumerable.Range(0, 10).Select(i => ((byte)i, i == 5 ? 500L : i)));
        read.External.ShouldBe(5);

        static byte[] Key(int i) => [(byte)(i % 2 == 0 ? ProducerKind.External : ProducerKind.Grain), 2, (byte)i];
    }

    [Fact]
    public void A_table_of_producers_survives_its_encoding()
    {
        var table = new ProducerTable();
        byte[] grain = [(byte)ProducerKind.Grain, 2, .. "key"u8], client = [(byte)ProducerKind.External, .. "client"u8];
        table.Raise(grain, new ProducerEntry(new RecordName(58, 1), 3, 7, 1000));
        table.Raise(grain, new ProducerEntry(new RecordName(57, 9), 3, 8, 1001));
        table.Raise(client, new ProducerEntry(new RecordName(4, 0), 3, 7, 1002));
        byte[] bytes = table.ToBytes();
        ProducerTable read = ProducerTable.Parse("run", bytes);
        read.TryGet(grain, out ProducerEntry entry).ShouldBeTrue();
        entry.Name.ShouldBe(new RecordName(58, 1));
        read.External.ShouldBe(1);
    }

    [Fact]
    public async Task Records_of_an_archive_keep_their_offsets_and_are_read_one_by_one()
    {
        (byte[] content, _) = ArchiveRun.Write([MakeBlock()]);
        var storage = new OneRun(content);
        LogBlock block = (await ArchiveRun.OpenAsync(storage, "run", 2049, TestContext.Current.CancellationToken)).ShouldHaveSingleItem();
        block.Buffer.ShouldBeNull();
        block.First.ShouldBe(new Offset(2, 5));
        block.Count.ShouldBe(2);
        ArchivePlace place = block.ArchivedIn!;
        LogBlock read = FrameCodec.Decode(3, new StoredFrame(7, content.AsMemory((int)place.At, place.Length)), (_, _) => true)[0];
        block.Restore(read, new JournalTable());
        Row.Read(block.Rows, block.BaseTime, out Row row);
        Encoding.UTF8.GetString(row.Payload).ShouldBe("hello");
    }

    private static LogBlock MakeBlock()
    {
        var block = new LogBlock(2049, 3, 7, new Offset(2, 5), 1000);
        var first = new Row { Key = "key"u8, Payload = "hello"u8, Time = 1000 };
        block.Append(ref first, null);
        var second = new Row
        {
            Producer = ProducerKind.Grain,
            OperatorId = 2,
            ProducerKey = "g"u8,
            Name = new RecordName(58, 0),
            Key = "key"u8,
            Payload = "1"u8,
            Time = 1007,
        };
        block.Append(ref second, CausalityVector.With(null, 1, 4));
        block.Closed = true;
        return block;
    }

    private static FrameToWrite MakeFrame() => FrameCodec.Encode(7, 2, [MakeBlock()]);

    private static byte[] Bytes(FrameToWrite frame) => [.. frame.Pieces.SelectMany(p => p.ToArray())];
}

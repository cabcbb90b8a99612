using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;
using OrleansStreaming.Core;

namespace OrleansStreaming.Clustering.Tests;

/// <summary>What silos send arrives as it was, and nothing that is damaged does harm.</summary>
public sealed class CodecTests
{
    private static readonly SiloMessage[] Messages =
    [
        new WatermarkMessage(1, 2, 3),
        new AckMessage(1, 2, 3, 4, 5, 6, 7),
        new RefusedMessage(0, 0, 0, -1, 2),
        new OwnerMessage(7, 1, long.MaxValue, int.MaxValue, 1),
        new ReleasedMessage(1, 2, 3, 4),
        new SealsMessage(1, 2, 3, [new Seal(0, 0), new Seal(5, long.MaxValue)]),
        new DataMessage(1, 2, 3)
        {
            Partition = 65537,
            Epoch = 3,
            FirstNumber = 1L << 40,
            Count = 2,
            Flagged = true,
            Rows = [1, 2, 3, 4, 99],
            Length = 4,
            BaseTime = 1_700_000_000_000_000,
            Slots = [new WireSlot(null, false), new WireSlot(CausalityVector.Of([new Dependency(1, 5), new Dependency(9, 1L << 50)]), false), new WireSlot(null, true)],
        },
        new DataMessage(1, 2, 3)
        {
            Partition = 1, Epoch = 1, FirstNumber = 1, Count = 0, Flagged = false, Rows = [], Length = 0, BaseTime = 0, Slots = [], Floor = new Floor(3, 4, -1),
        },
    ];

    public static TheoryData<int> Places => [.. Enumerable.Range(0, Messages.Length)];

    [Theory]
    [MemberData(nameof(Places))]
    public void A_message_arrives_as_it_was(int place)
    {
        var bytes = new WireWriter();
        MessageCodec.Write(bytes, Messages[place]);
        var from = new WireReader(bytes.ToArray());
        SiloMessage read = MessageCodec.Read(ref from);
        from.AtEnd.ShouldBeTrue();
        Text(read).ShouldBe(Text(Messages[place]));
    }

    [Fact]
    public void Cut_off_anywhere_a_message_is_reported_as_damaged()
    {
        foreach (SiloMessage message in Messages)
        {
            var bytes = new WireWriter();
            MessageCodec.Write(bytes, message);
            byte[] whole = bytes.ToArray();
            for (int length = 0; length < whole.Length; length++)
            {
                Should.Throw<InvalidDataException>(() => Read(whole.AsSpan(0, length)), $"{message.GetType().Name} cut at {length}");
            }
        }
    }

    [Fact]
    public void A_flipped_bit_gives_another_message_or_is_reported_and_takes_no_memory()
    {
        foreach (SiloMessage message in Messages)
        {
            var bytes = new WireWriter();
            MessageCodec.Write(bytes, message);
            byte[] whole = bytes.ToArray();
            for (int bit = 0; bit < whole.Length * 8; bit++)
            {
                byte[] flipped = [.. whole];
                flipped[bit / 8] ^= (byte)(1 << (bit % 8));
                try
                {
                    Read(flipped);
                }
                catch (InvalidDataException)
                {
                    // Reported.
                }
            }
        }
    }

    [Fact]
    public void Events_and_their_answers_arrive_as_they_were()
    {
        var answers = new IngestResult[2];
        IngestBatch[] batches =
        [
            new IngestBatch { Partition = 3, Rows = new byte[] { 1, 2, 3 }, Count = 2, Producer = [65], Sequence = 9, Done = _ => { } },
            new IngestBatch { Partition = 4, Rows = default, Count = 0, Previous = long.MinValue, Last = 7, Done = _ => { } },
        ];
        List<IngestBatch> read = IngestCodec.Read(IngestCodec.Write(batches).Memory, (place, result) => answers[place] = result);
        read.Count.ShouldBe(2);
        read[0].Rows.ToArray().ShouldBe([1, 2, 3]);
        (read[0].Partition, read[0].Count, read[0].Sequence, read[0].Previous).ShouldBe((3, 2, 9L, null));
        read[0].Producer.ShouldBe([65]);
        (read[1].Partition, read[1].Previous, read[1].Last).ShouldBe((4, long.MinValue, 7L));
        read[1].Done(new IngestResult(IngestStatus.OutOfOrder, Position: -1));
        read[0].Done(new IngestResult(IngestStatus.Unknown, 1, 5, 2, 1L << 45));
        IngestCodec.Read(IngestCodec.Write(answers)).ShouldBe(answers);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(300_000)]
    public void Bytes_that_are_lent_arrive_as_they_were(int length)
    {
        using ServiceProvider services = new ServiceCollection().AddSerializer(s => s.AddAssembly(typeof(WireBytes).Assembly)).BuildServiceProvider();
        Serializer serializer = services.GetRequiredService<Serializer>();
        byte[] expected = new byte[length];
        new Random(length).NextBytes(expected);
        WireBytes sent = WireBytes.Rent(length);
        expected.CopyTo(sent.Memory);
        services.GetRequiredService<DeepCopier>().Copy(sent).ShouldBeSameAs(sent, "a copy would be memory that nobody gives back");
        byte[] wire = serializer.SerializeToArray(sent);

        WireBytes received = serializer.Deserialize<WireBytes>(wire).ShouldNotBeNull();
        received.Memory.ToArray().ShouldBe(expected);
        sent.Return();
        sent.Return(); // Or two would be lent the same memory.
        WireBytes[] others = [.. Enumerable.Range(0, 3).Select(_ => WireBytes.Rent(length))];
        Array.ForEach(others, o => o.Memory.Span.Fill(0xEE));
        others[0].Memory.Span.Fill(0x11);
        received.Memory.ToArray().ShouldBe(expected, "each side has memory of its own");
        others[1].Memory.ToArray().ShouldAllBe(b => b == 0xEE);
        Should.Throw<Exception>(() => serializer.Deserialize<WireBytes>(wire.AsMemory(0, wire.Length - 1)));
    }

    [Fact]
    public void States_and_keys_arrive_as_they_were()
    {
        StateAnswer answer = StateCodec.Read(StateCodec.Write(new StateAnswer(StateAnswerKind.Found, new byte[] { 1, 2 }, new Offset(12345))));
        (answer.Kind, answer.Offset).ShouldBe((StateAnswerKind.Found, new Offset(12345)));
        answer.Json.ToArray().ShouldBe([1, 2]);
        StateCodec.Read(StateCodec.Write(StateAnswer.Moved)).Kind.ShouldBe(StateAnswerKind.Moved);
        byte[][] keys = StateCodec.ReadKeys(StateCodec.WriteKeys([[1], [], [2, 3]]));
        keys.Select(k => Convert.ToHexString(k)).ShouldBe(["01", "", "0203"]);
    }

    private static SiloMessage Read(ReadOnlySpan<byte> bytes)
    {
        var from = new WireReader(bytes);
        return MessageCodec.Read(ref from);
    }

    private static string Text(SiloMessage message) => message switch
    {
        DataMessage data => string.Join(
            ' ', data.From, data.SealVersion, data.Durable, data.Partition, data.Epoch, data.FirstNumber, data.Count, data.Flagged, data.BaseTime, data.Floor,
            Convert.ToHexString(data.Rows.AsSpan(0, data.Length)),
            string.Join(';', data.Slots.Select(s => $"{s.Void}:{(s.Vector is null ? "" : string.Join(',', s.Vector.Entries.ToArray()))}"))),
        SealsMessage seals => $"{seals.From} {seals.SealVersion} {seals.Durable} {string.Join(' ', seals.Seals)}",
        _ => message.ToString(),
    };
}

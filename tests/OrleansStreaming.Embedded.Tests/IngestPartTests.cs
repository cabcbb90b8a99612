using System.Buffers;
using OrleansStreaming.Core;
using OrleansStreaming.Engine;

namespace OrleansStreaming.Embedded.Tests;

/// <summary>Rows whose payload is encoded in its place, whatever its length takes and whatever the serialiser does.</summary>
public sealed class IngestPartTests
{
    [Fact]
    public void Rows_are_as_if_their_payload_had_been_encoded_first()
    {
        // Lengths on both sides of what one, two and three bytes can say, each after each, and more than the buffer holds.
        int[] lengths = [0, 1, 127, 128, 500, 16_383, 16_384, 70_000];
        var inPlace = new IngestEncoder.Part(0);
        var copied = new IngestEncoder.Part(0);
        var random = new Random(1);
        foreach (int length in lengths.SelectMany(_ => lengths).Concat(lengths.Reverse()))
        {
            byte[] payload = new byte[length];
            random.NextBytes(payload);
            Row row = NewRow(inPlace.Count);
            inPlace.Append(ref row, new Bytes(), in payload);
            row.Payload = payload;
            copied.Append(ref row);
        }

        inPlace.Count.ShouldBe(copied.Count);
        inPlace.Rows.AsSpan(0, inPlace.Length).SequenceEqual(copied.Rows.AsSpan(0, copied.Length)).ShouldBeTrue();
    }

    [Fact]
    public void An_event_whose_serialiser_throws_leaves_nothing()
    {
        var part = new IngestEncoder.Part(0);
        Row row = NewRow(0);
        byte[] payload = [1, 2, 3];
        part.Append(ref row, new Bytes(), in payload);
        int before = part.Length;
        Should.Throw<NotSupportedException>(() =>
        {
            Row another = NewRow(1);
            part.Append(ref another, new Bytes { Throws = true }, new byte[10_000]);
        });
        Should.Throw<ArgumentOutOfRangeException>(() =>
        {
            Row another = NewRow(1);
            part.Append(ref another, new Bytes { Claims = 1 << 20 }, [4]);
        });
        Should.Throw<ArgumentOutOfRangeException>(() =>
        {
            Row another = NewRow(1);
            part.Append(ref another, new Bytes { Claims = -2 }, [4]);
        });
        (part.Length, part.Count).ShouldBe((before, 1));
        row = NewRow(1);
        part.Append(ref row, new Bytes(), in payload);
        Row.Read(part.Rows.AsSpan(before), 0, out Row second);
        second.Payload.ToArray().ShouldBe(payload);
        second.Name.Ordinal.ShouldBe(1);
    }

    private static Row NewRow(int ordinal) => new() { Key = "key"u8, Producer = ProducerKind.External, ProducerKey = "source"u8, Name = new RecordName(7, ordinal) };

    private sealed class Bytes : IEventSerializer<byte[]>
    {
        public bool Throws { get; init; }

        /// <summary>How much more than it has written it says it has.</summary>
        public int Claims { get; init; }

        public string Schema => "bytes";

        public bool CanRead(string storedSchema) => true;

        public void Write(in byte[] value, IBufferWriter<byte> output)
        {
            foreach (byte[] piece in value.Chunk(1000))
            {
                piece.CopyTo(output.GetSpan(piece.Length));
                output.Advance(piece.Length + Claims);
                if (Throws)
                {
                    throw new NotSupportedException();
                }
            }
        }

        public byte[] Read(ReadOnlySpan<byte> bytes) => bytes.ToArray();
    }
}

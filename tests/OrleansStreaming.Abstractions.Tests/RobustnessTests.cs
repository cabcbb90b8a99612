using System.Buffers;
using System.Text;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Abstractions.Tests;

/// <summary>Parsers of bytes and texts that somebody else made: whatever they are given, they fail in the one documented way.</summary>
public class RobustnessTests
{
    private const int Rounds = 20_000;

    [Fact]
    public void Any_bytes_are_a_key_that_is_written_back_the_same_or_no_key()
    {
        var random = new Random(1);
        byte[] back = new byte[KeyCodec.MaxBytes];
        int keys = 0;
        for (int i = 0; i < Rounds; i++)
        {
            byte[] bytes = Bytes(random, i % 40 == 0 ? 1100 : 20, ascii: i % 2 == 0);
            foreach (KeyKind kind in Enum.GetValues<KeyKind>())
            {
                try
                {
                    string text = KeyCodec.ToText(kind, bytes);
                    KeyCodec.TryParse(kind, text, back, out int length).ShouldBeTrue(text);
                    back.AsSpan(0, length).SequenceEqual(bytes).ShouldBeTrue(text);
                    keys++;
                }
                catch (KeyFormatException e)
                {
                    e.Message.ShouldNotBeEmpty();
                }
            }
        }

        keys.ShouldBeGreaterThan(Rounds / 4);
    }

    [Fact]
    public void Any_text_is_an_offset_or_none()
    {
        const string Characters = "0123456789..-+ ,eE٣\0";
        var random = new Random(2);
        int offsets = 0;
        for (int i = 0; i < Rounds; i++)
        {
            string text = new([.. Enumerable.Range(0, random.Next(20)).Select(_ => Characters[random.Next(Characters.Length)])]);
            text = i % 3 == 0 ? new Offset(random.Next(1 << 23), random.NextInt64(1L << 40)).ToString() + text[..Math.Min(text.Length, random.Next(2))] : text;
            if (Offset.TryParse(text, out Offset offset))
            {
                offsets++;
                Offset.TryParse(offset.ToString(), out Offset again).ShouldBeTrue(text);
                again.ShouldBe(offset, text);
                (offset.Epoch >= 0 && offset.Number < 1L << 40).ShouldBeTrue(text);
            }
            else
            {
                offset.ShouldBe(Offset.None, text);
            }
        }

        offsets.ShouldBeGreaterThan(Rounds / 10);
    }

    [Fact]
    public void Any_bytes_are_an_event_or_reported()
    {
        SerializerRegistry serializers = new(StreamingJson.Create([]));
        Check(serializers.Get<Flight>(), new Flight("AMS", -12));
        Check(serializers.Get<Dictionary<string, int[]>>(), new() { ["a\u00e9\n"] = [1, 2], ["b"] = [] });
        Check(serializers.Get<Stats>(), new Stats { Count = 3, Sum = 0.5 });
        Check(serializers.Get<Guid>(), Guid.Parse("f5b2d3c4-0000-4000-8000-00000000000a"));
    }

    private static void Check<T>(IEventSerializer<T> serializer, T value)
    {
        ArrayBufferWriter<byte> output = new();
        serializer.Write(value, output);
        byte[] whole = output.WrittenSpan.ToArray();
        for (int length = 0; length < whole.Length; length++)
        {
            Should.Throw<FormatException>(() => serializer.Read(whole.AsSpan(0, length)), $"{typeof(T)} cut at {length}");
        }

        Should.Throw<FormatException>(() => serializer.Read([.. whole, 1]));
        var random = new Random(3);
        for (int i = 0; i < whole.Length * 8 + 2000; i++)
        {
            byte[] other = i < whole.Length * 8 ? [.. whole] : Bytes(random, 40, ascii: i % 2 == 0);
            if (i < whole.Length * 8)
            {
                other[i / 8] ^= (byte)(1 << (i % 8));
            }

            try
            {
                serializer.Read(other);
            }
            catch (FormatException e)
            {
                e.Message.ShouldContain(typeof(T).ToString());
            }
        }
    }

    private static byte[] Bytes(Random random, int most, bool ascii)
    {
        byte[] bytes = new byte[random.Next(most)];
        random.NextBytes(bytes);
        return ascii ? Encoding.ASCII.GetBytes([.. bytes.Select(b => (char)(' ' + (b % 95)))]) : bytes;
    }
}

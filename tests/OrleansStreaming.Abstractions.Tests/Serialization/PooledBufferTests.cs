using System.Buffers;

namespace OrleansStreaming.Abstractions.Tests.Serialization;

public class PooledBufferTests
{
    [Fact]
    public void Keeps_what_was_written_while_it_grows_and_is_consumed()
    {
        using PooledBuffer buffer = new(1);
        byte[] all = [.. Enumerable.Range(0, 100_000).Select(i => (byte)i)];
        for (int i = 0; i < all.Length; i += 1000)
        {
            buffer.Write(all.AsSpan(i, 1000));
        }

        buffer.Written.ToArray().ShouldBe(all);
        buffer.Consume(99_990);
        buffer.Written.ToArray().ShouldBe(all[99_990..]);
        buffer.Write<byte>([1, 2]);
        buffer.Length.ShouldBe(12);
        Should.Throw<ArgumentOutOfRangeException>(() => buffer.Advance(int.MaxValue));
    }
}

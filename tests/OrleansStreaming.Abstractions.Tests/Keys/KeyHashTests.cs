using System.Buffers.Binary;
using System.Text;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Abstractions.Tests.Keys;

public class KeyHashTests
{
    // Published vectors of XXH64 with seed 0, then values that only pin what is stored.
    [Theory]
    [InlineData("", 0xEF46DB3751D8E999)]
    [InlineData("a", 0xD24EC4F1A98C6E5B)]
    [InlineData("abc", 0x44BC2CF5AD770999)]
    [InlineData("xxhash", 0x32DD38952C4BC720)]
    [InlineData("The quick brown fox jumps over the lazy dog", 0x0B242D361FDA71BC)]
    [InlineData("Nobody inspects the spammish repetition", 0xFBCEA83C8A378BF1)]
    public void Matches_the_published_values(string text, ulong expected) =>
        KeyHash.Compute(Encoding.UTF8.GetBytes(text)).ShouldBe(expected);

    [Theory]
    [InlineData(0L)]
    [InlineData(1L)]
    [InlineData(-1L)]
    [InlineData(long.MinValue)]
    [InlineData(0x0123456789ABCDEFL)]
    public void The_fast_path_gives_the_value_of_the_slow_one(long key)
    {
        byte[] bytes = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, key);
        KeyHash.Compute(bytes).ShouldBe(KeyHash.Compute((ulong)key));
        KeyHash.Compute(bytes).ShouldBe(Reference(bytes));
    }

    [Fact]
    public void Every_length_agrees_with_a_plain_reading_of_the_specification()
    {
        Random random = new(1);
        for (int length = 0; length <= 130; length++)
        {
            byte[] bytes = new byte[length];
            random.NextBytes(bytes);
            KeyHash.Compute(bytes).ShouldBe(Reference(bytes), $"length {length}");
        }
    }

    [Theory]
    [InlineData(0x0000000000000000UL, 8, 0)]
    [InlineData(0x1FFFFFFFFFFFFFFFUL, 8, 0)]
    [InlineData(0x2000000000000000UL, 8, 1)]
    [InlineData(0xFFFFFFFFFFFFFFFFUL, 8, 7)]
    [InlineData(0xFFFFFFFFFFFFFFFFUL, 1024, 1023)]
    [InlineData(0xFFFFFFFFFFFFFFFFUL, 1, 0)]
    [InlineData(0xD24EC4F1A98C6E5BUL, 1000, 821)]
    public void Partitions_are_pinned(ulong hash, int count, int expected) => KeyHash.PartitionOf(hash, count).ShouldBe(expected);

    [Fact]
    public void Partitions_are_even()
    {
        int[] counts = new int[7];
        for (ulong key = 0; key < 70_000; key++)
        {
            counts[KeyHash.PartitionOf(KeyHash.Compute(key), counts.Length)]++;
        }

        counts.ShouldAllBe(count => count > 9_600 && count < 10_400);
    }

    [Fact]
    public void Allocates_nothing()
    {
        byte[] key = new byte[100];
        KeyHash.Compute(key);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            KeyHash.Compute(key);
        }

        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
    }

    private static ulong Reference(byte[] input)
    {
        const ulong p1 = 11400714785074694791, p2 = 14029467366897019727, p3 = 1609587929392839161, p4 = 9650029242287828579, p5 = 2870177450012600261;
        unchecked
        {
            int at = 0;
            ulong hash;
            if (input.Length >= 32)
            {
                ulong[] lanes = [p1 + p2, p2, 0, 0 - p1];
                for (; input.Length - at >= 32; at += 32)
                {
                    for (int lane = 0; lane < 4; lane++)
                    {
                        lanes[lane] = Rotate(lanes[lane] + (BitConverter.ToUInt64(input, at + (lane * 8)) * p2), 31) * p1;
                    }
                }

                hash = Rotate(lanes[0], 1) + Rotate(lanes[1], 7) + Rotate(lanes[2], 12) + Rotate(lanes[3], 18);
                foreach (ulong lane in lanes)
                {
                    hash = ((hash ^ (Rotate(lane * p2, 31) * p1)) * p1) + p4;
                }
            }
            else
            {
                hash = p5;
            }

            hash += (ulong)input.Length;
            for (; input.Length - at >= 8; at += 8)
            {
                hash = (Rotate(hash ^ (Rotate(BitConverter.ToUInt64(input, at) * p2, 31) * p1), 27) * p1) + p4;
            }

            if (input.Length - at >= 4)
            {
                hash = (Rotate(hash ^ (BitConverter.ToUInt32(input, at) * p1), 23) * p2) + p3;
                at += 4;
            }

            for (; at < input.Length; at++)
            {
                hash = Rotate(hash ^ (input[at] * p5), 11) * p1;
            }

            hash = (hash ^ (hash >> 33)) * p2;
            hash = (hash ^ (hash >> 29)) * p3;
            return hash ^ (hash >> 32);
        }

        static ulong Rotate(ulong value, int by) => (value << by) | (value >> (64 - by));
    }
}

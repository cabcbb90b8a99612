using System.Buffers;

namespace OrleansStreaming.Core.Tests.Checkpoints;

public class StateDeltaTests
{
    [Fact]
    public void What_has_changed_brings_the_new_state_back()
    {
        var random = new Random(7);
        for (int i = 0; i < 3000; i++)
        {
            byte[] old = new byte[random.Next(300)];
            random.NextBytes(old);
            List<byte> list = [.. old];
            for (int change = random.Next(5); change > 0 && list.Count > 0; change--)
            {
                list[random.Next(list.Count)]++;
            }

            if (random.Next(2) == 0)
            {
                int at = random.Next(list.Count + 1);
                list.RemoveRange(at, random.Next(list.Count - at + 1));
                list.InsertRange(at, new byte[random.Next(10)]);
            }

            byte[] now = [.. list];
            byte[] delta = Write(old, now, int.MaxValue, 1 + random.Next(70))!;
            StateDelta.Apply("run", delta, old, 9, out _).ShouldBe(now);
        }
    }

    /// <summary>A change is written in whole chunks.</summary>
    [Theory]
    [InlineData(64)]
    [InlineData(256)]
    [InlineData(4096)]
    public void Of_a_large_state_little_is_written(int chunkBytes)
    {
        var random = new Random(8);
        byte[] old = new byte[1 << 20], now = new byte[1 << 20];
        random.NextBytes(old);
        old.CopyTo(now, 0);
        for (int i = 0; i < 64; i++)
        {
            int at = random.Next(now.Length - 8);
            random.NextBytes(now.AsSpan(at, 8));
        }

        byte[] delta = Write(old, now, old.Length / 2, chunkBytes)!;
        delta.Length.ShouldBeLessThan(64 * (chunkBytes + 16));
        StateDelta.Apply("run", delta, old, 9, out int moves).ShouldBe(now);
        moves.ShouldBe(0);
        random.NextBytes(now);
        Write(old, now, old.Length / 2, chunkBytes).ShouldBeNull();
        byte[] longer = [1, .. now];
        Write(old, longer, old.Length / 2, chunkBytes).ShouldBeNull();
    }

    /// <summary>What is put in or taken out at one place moves the rest, which is not written; nor is what else has not changed.</summary>
    [Theory]
    [InlineData(0, 1)]
    [InlineData(0, -1)]
    [InlineData(500_000, 1)]
    [InlineData(500_000, -1)]
    [InlineData(500_000, 1000)]
    [InlineData(500_000, -1000)]
    [InlineData(999_000, 1000)]
    [InlineData(999_000, -1000)]
    public void Of_a_large_state_that_grows_or_shrinks_little_is_written(int place, int bytes)
    {
        byte[] old = new byte[1_000_001];
        new Random(9).NextBytes(old);
        List<byte> list = [.. old];
        list[1000]++;
        list[900_000]++;
        if (bytes > 0)
        {
            list.InsertRange(place, Enumerable.Repeat((byte)7, bytes));
        }
        else
        {
            list.RemoveRange(place, -bytes);
        }

        byte[] now = [.. list], delta = Write(old, now, old.Length / 2)!;
        delta.Length.ShouldBeLessThan(Math.Max(0, bytes) + (5 * 64) + 60);
        StateDelta.Apply("run", delta, old, 9, out int moves).ShouldBe(now);
        moves.ShouldBe(1);
    }

    [Fact]
    public void Every_change_of_a_chunk_is_told_by_its_hash()
    {
        for (int length = 1; length < 200; length++)
        {
            byte[] bytes = [.. Enumerable.Range(0, length).Select(i => (byte)i)];
            StateSignature signature = StateSignature.Of(bytes, 256);
            signature.IsSame(0, bytes).ShouldBeTrue();
            signature.IsSame(0, bytes.AsSpan(1)).ShouldBeFalse();
            signature.IsSame(0, [.. bytes, 0]).ShouldBeFalse();
            for (int i = 0; i < length * 8; i++)
            {
                bytes[i / 8] ^= (byte)(1 << (i % 8));
                signature.IsSame(0, bytes).ShouldBeFalse();
                bytes[i / 8] ^= (byte)(1 << (i % 8));
            }

            for (int i = 8; i + 8 <= length; i += 8)
            {
                byte[] swapped = [.. bytes[..(i - 8)], .. bytes[i..(i + 8)], .. bytes[(i - 8)..i], .. bytes[(i + 8)..]];
                signature.IsSame(0, swapped).ShouldBeFalse();
            }
        }
    }

    [Fact]
    public void Changes_do_not_apply_to_anything_else()
    {
        byte[] delta = Write([1, 2, 3], [1, 9, 3], int.MaxValue)!;
        Should.Throw<CorruptDataException>(() => StateDelta.Apply("run", delta, [1, 2, 4], 9, out _));
        Should.Throw<CorruptDataException>(() => StateDelta.Apply("run", delta, [1, 2, 3], 8, out _));
    }

    /// <summary>Bytes that a faulty writer would have summed.</summary>
    [Fact]
    public void Damaged_changes_are_reported_or_applied()
    {
        byte[] old = [.. Enumerable.Range(0, 50).Select(i => (byte)i)];
        byte[] now = [.. old];
        now[3] = now[30] = 200;
        byte[] delta = Write(old, now, int.MaxValue)!;
        Formats.Damage.IsReportedOrRead(
            Formats.Damage.Of(delta).Concat(Formats.Damage.Random(delta, 1, 3000)),
            bytes => Convert.ToHexString(StateDelta.Apply("run", bytes, old, 9, out _))).ShouldBeGreaterThan(delta.Length - 1);
    }

    private static byte[]? Write(byte[] old, byte[] now, int limit, int chunkBytes = 64)
    {
        var output = new ArrayBufferWriter<byte>();
        return StateDelta.TryWrite(StateSignature.Of(old, chunkBytes), 9, StateSignature.Of(now, chunkBytes), now, limit, output) ? output.WrittenSpan.ToArray() : null;
    }
}

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
            byte[] delta = Write(old, now, int.MaxValue)!;
            StateDelta.Apply("run", delta, old, 9, out _).ShouldBe(now);
        }
    }

    [Fact]
    public void Of_a_large_state_little_is_written()
    {
        var random = new Random(8);
        byte[] old = new byte[1 << 20];
        random.NextBytes(old);
        byte[] now = [.. old];
        for (int i = 0; i < 128; i++)
        {
            int at = random.Next(now.Length - 8);
            random.NextBytes(now.AsSpan(at, 8));
        }

        byte[] delta = Write(old, now, old.Length / 2)!;
        delta.Length.ShouldBeLessThan(128 * 8 * 2);
        StateDelta.Apply("run", delta, old, 9, out _).ShouldBe(now);
        random.NextBytes(now);
        Write(old, now, old.Length / 2).ShouldBeNull();
        byte[] longer = [1, .. now];
        Write(old, longer, old.Length / 2).ShouldBeNull();
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

    private static byte[]? Write(byte[] old, byte[] now, int limit)
    {
        var output = new ArrayBufferWriter<byte>();
        return StateDelta.TryWrite(old, Crc32C.Compute(old), 9, now, limit, output) ? output.WrittenSpan.ToArray() : null;
    }
}

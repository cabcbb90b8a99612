using System.Buffers.Binary;
using OrleansStreaming.Core.Tests.Formats;

namespace OrleansStreaming.Core.Tests.Checkpoints;

/// <summary>A run of checkpoints is never read as something else, whatever happens to its bytes.</summary>
public class RunDamageTests
{
    /// <summary>Of no grain up to several blocks, with and without grains that wait for something.</summary>
    public static readonly TheoryData<int> Shapes = [0, 1, 2, 3, 4, 7, 8, 13, 14, 18, 23];

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Any_damage_is_reported(int seed)
    {
        byte[] whole = FormatSamples.Checkpoints(seed);
        Damage.IsAlwaysReported(whole, bytes => Read(bytes, whole.Length), "run");
    }

    /// <summary>Bytes that a faulty writer would have summed: no checksum helps, and the reader still says that they do not fit.</summary>
    [Theory]
    [MemberData(nameof(Shapes))]
    public void What_was_written_wrong_is_reported_or_read(int seed)
    {
        byte[] whole = FormatSamples.Checkpoints(seed);
        RunFooter footer = RunFooter.Read("run", whole.AsSpan(^RunFooter.Size..), whole.Length);
        byte[] tail = whole[(int)footer.BlocksLength..^RunFooter.Size];
        int reported = Damage.IsReportedOrRead(Damage.Of(tail).Concat(Damage.Random(tail, seed, 1000)), damaged =>
        {
            int index = Math.Max(0, damaged.Length - footer.PendingLength - footer.FilterLength);
            return Read([.. whole[..(int)footer.BlocksLength], .. damaged, .. Summed(footer with { IndexLength = index }, damaged)]);
        });
        reported.ShouldBeGreaterThanOrEqualTo(tail.Length, "every truncation, at least");

        if (footer.Blocks == 1)
        {
            byte[] entries = whole[sizeof(uint)..(int)footer.BlocksLength];
            Damage.IsReportedOrRead(Damage.Of(entries).Where(d => d.Bytes.Length == entries.Length).Concat(Damage.Random(entries, seed, 1000).Where(d => d.Bytes.Length == entries.Length)), damaged =>
            {
                byte[] sum = new byte[sizeof(uint)];
                BinaryPrimitives.WriteUInt32LittleEndian(sum, Crc32C.Compute(damaged));
                return Read([.. sum, .. damaged, .. whole[(int)footer.BlocksLength..]]);
            });
        }
    }

    private static byte[] Summed(in RunFooter footer, byte[] tail)
    {
        byte[] bytes = new byte[RunFooter.Size];
        (footer with { TailSum = Crc32C.Compute(tail) }).Write(bytes);
        return bytes;
    }

    // The storage answers at once, so nothing waits here.
    private static string Read(byte[] bytes, int? length = null) =>
        FormatSamples.ReadCheckpointsAsync(new OneRun(bytes), "run", length ?? bytes.Length).GetAwaiter().GetResult();
}

namespace OrleansStreaming.Core.Tests.Formats;

/// <summary>Formats that carry checksums: nothing that happens to their bytes is read as something else.</summary>
public class OwnChecksumTests
{
    /// <summary>Of one part, of several, with all that is optional.</summary>
    public static readonly TheoryData<int> Shapes = [1, 2, 3, 6, 7];

    [Theory]
    [InlineData(0)]
    [MemberData(nameof(Shapes))]
    public void Any_damage_to_a_frame_is_reported(int seed) =>
        Damage.IsAlwaysReported(FormatSamples.Frame(seed), FormatSamples.ReadFrame, "journal 3");

    [Theory]
    [InlineData(0)]
    [MemberData(nameof(Shapes))]
    public void Any_damage_to_a_table_of_producers_is_reported(int seed) =>
        Damage.IsAlwaysReported(FormatSamples.Producers(seed), FormatSamples.ReadProducers, "sample");

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Any_damage_to_an_archive_is_reported(int seed) =>
        Damage.IsAlwaysReported(FormatSamples.Archive(seed), Read(FormatSamples.ReadArchiveAsync), "");

    /// <summary>Bytes that a faulty writer would have summed: no checksum helps, and the reader still says that they do not fit.</summary>
    [Theory]
    [MemberData(nameof(Shapes))]
    public void A_frame_that_was_written_wrong_is_reported_or_read(int seed)
    {
        byte[] whole = FormatSamples.Frame(seed);
        IEnumerable<(string, byte[])> damage = Damage.Of(whole[FrameHeader.Size..]).Concat(Damage.Random(whole[FrameHeader.Size..], seed, 3000));
        int reported = Damage.IsReportedOrRead(damage, body => FrameCodec.Decode(3, new StoredFrame(7, Framed(body)), (_, _) => true).Count.ToString());
        reported.ShouldBeGreaterThan(whole.Length - FrameHeader.Size, "every truncation, at least");
    }

    private static byte[] Framed(byte[] body)
    {
        byte[] frame = new byte[FrameHeader.Size + body.Length];
        new FrameHeader(body.Length, 0, 7, Crc32C.Compute(body)).Write(frame);
        body.CopyTo(frame, FrameHeader.Size);
        return frame;
    }

    // The storage answers at once, so nothing waits here.
    private static Func<byte[], string> Read(Func<IStorage, string, Task<string>> read) => bytes => read(new OneRun(bytes), "run").GetAwaiter().GetResult();
}

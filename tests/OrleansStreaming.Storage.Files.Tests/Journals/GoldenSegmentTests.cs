using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Files.Tests;

/// <summary>Pins the formats: files that were written once must be readable for ever.</summary>
public sealed class GoldenSegmentTests : IDisposable
{
    private const string Segment =
        "4f534a53010040000000000000000000 "
        + "1edd73c5cbc978e8527420c72cf48c45 "
        + "01000000000000000001000000000000 "
        + "000000000000000000000000b321f96a "
        + "1edd73c5cbc978e80000000000000000 "
        + "250000002fde9ebe4f534a4601000000 "
        + "05000000050000000100000000000000 "
        + "4cbb719a240da38668656c6c6f1edd73 "
        + "c5cbc978e80100000000000000200000 "
        + "00b914c6044f534a4601000000000000 "
        + "00050000000200000000000000000000 "
        + "007bc2b2841edd73c5cbc978e8010000 "
        + "000000000026000000a61fe2fa4f534a "
        + "46010000000600000005000000030000 "
        + "00000000009656996df7c9e28b776f72 "
        + "6c642100000000000000000000000000";
    private const string Fence =
        "4f534a4d010001000300000000000000 "
        + "169b680e";
    private const string Record =
        "4f535243010003000100000000000000 "
        + "07000000000000003375af618048ead9 "
        + "612f62636f6e74656e74";
    private const string Run =
        "4f53524e010003000000000000000000 "
        + "07000000000000000000000054afb239 "
        + "612f62636f6e74656e743375af61";

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Files_are_written_as_ever()
    {
        await using (FileStorage storage = Open())
        {
            await using IJournalWriter writer = await storage.CreateJournalAsync("silo0-7", default);
            await writer.AppendAsync([Frame(1, "hello")], default);
            await writer.AppendAsync([Frame(2, ""), Frame(3, "world!")], default);
            await storage.SealJournalAsync("silo0-7", default);
            await storage.SwapRecordAsync("a/b", null, "content"u8.ToArray(), default);
            await storage.WriteRunAsync("a/b", "content"u8.ToArray(), default);
        }

        Hex("journals", "silo0-7", "0000000000000001.seg").ShouldBe(Segment);
        Hex("journals", "silo0-7", "fence").ShouldBe(Fence);
        Hex("records", "a%2Fb").ShouldBe(Record);
        Hex("runs", "a%2Fb").ShouldBe(Run);
    }

    [Fact]
    public async Task Files_of_old_are_read()
    {
        foreach ((string hex, string[] path) in new[]
        {
            (Segment, new[] { "journals", "silo0-7", "0000000000000001.seg" }),
            (Fence, ["journals", "silo0-7", "fence"]),
            (Record, ["records", "a%2Fb"]),
            (Run, ["runs", "a%2Fb"]),
        })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(_folder[path])!);
            await File.WriteAllBytesAsync(_folder[path], Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)));
        }

        await using FileStorage storage = Open();
        (await storage.SealJournalAsync("silo0-7", default)).ShouldBe(3);
        (await storage.ReadFramesAsync("silo0-7", 1, 9, 1000, default)).Select(frame => frame.Bytes[32..].ToArray())
            .ShouldBe(["hello"u8.ToArray(), [], "world!"u8.ToArray()]);
        (await storage.ReadRecordAsync("a/b", default))!.Content.ToArray().ShouldBe("content"u8.ToArray());
        (await storage.ReadRunAsync("a/b", 0, 100, default)).ToArray().ShouldBe("content"u8.ToArray());
    }

    private static FrameToWrite Frame(long lsn, string text)
    {
        byte[] body = System.Text.Encoding.UTF8.GetBytes(text);
        byte[] header = new byte[FrameHeader.Size];
        new FrameHeader(body.Length, 5, lsn, Crc32C.Compute(body)).Write(header);
        return new FrameToWrite(lsn, [header, body], header.Length + body.Length);
    }

    /// <summary>Sixteen bytes to a line.</summary>
    private string Hex(params string[] path) =>
        string.Join(' ', File.ReadAllBytes(_folder[path]).Chunk(16).Select(Convert.ToHexStringLower));

    private FileStorage Open() => FileStorage.Open(_folder.Path, new FileStorageOptions { SegmentSizeBytes = 256, MakeSegmentsAhead = false });
}

using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Files.Tests;

public sealed class DamageTests : IDisposable
{
    private const int FrameBytes = 24 + 32 + 16;

    private readonly TempFolder _folder = new();

    private string FirstSegment => _folder["journals", "j", "0000000000000001.seg"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_tail_torn_at_any_byte_is_ignored_for_ever()
    {
        await WriteAsync(4);
        byte[] whole = await File.ReadAllBytesAsync(FirstSegment);
        for (int at = 64 + (3 * FrameBytes); at < 64 + (4 * FrameBytes); at++)
        {
            byte[] torn = [.. whole];
            torn.AsSpan(at).Clear();
            await File.WriteAllBytesAsync(FirstSegment, torn);
            await using FileStorage storage = Open();
            (await storage.ReadAllAsync("j")).ShouldBe([1, 2, 3]);
            (await storage.SealJournalAsync("j", default)).ShouldBe(3);
            (await storage.ReadAllAsync("j")).ShouldBe([1, 2, 3]);
            File.Delete(_folder["journals", "j", "fence"]);
        }
    }

    [Fact]
    public async Task The_last_append_may_be_torn_in_its_middle()
    {
        // The system writes pages in any order: of one append, later frames may be stored and earlier ones not.
        await using (FileStorage storage = Open())
        {
            await using IJournalWriter writer = await storage.CreateJournalAsync("j", default);
            await writer.AppendAsync(1, 2);
            await writer.AppendTogetherAsync(3, 6);
        }

        await ChangeAsync(FirstSegment, bytes => bytes.AsSpan(64 + (3 * FrameBytes) + 30, 10).Clear());
        await using FileStorage again = Open();
        (await again.SealJournalAsync("j", default)).ShouldBe(3);
        (await again.ReadAllAsync("j")).ShouldBe([1, 2, 3]);
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, false)]
    [InlineData(0, true)]
    [InlineData(1, true)]
    [InlineData(2, true)]
    public async Task A_missing_segment_is_reported(int index, bool isSealed)
    {
        await using (FileStorage storage = Open())
        {
            await using IJournalWriter writer = await storage.CreateJournalAsync("j", default);
            await writer.AppendAsync(1, 40, bodyBytes: 200);
            if (isSealed)
            {
                await storage.SealJournalAsync("j", default);
            }
        }

        string[] segments = [.. Directory.GetFiles(_folder["journals", "j"], "*.seg").Order()];
        segments.Length.ShouldBe(3);
        File.Delete(segments[index]);
        await using FileStorage again = Open();
        await Should.ThrowAsync<CorruptDataException>(async () => await again.ReadAllAsync("j"));
    }

    [Fact]
    public async Task A_missing_segment_is_reported_while_the_writer_is_here()
    {
        await using FileStorage storage = Open();
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", default);
        await writer.AppendAsync(1, 40, bodyBytes: 200);
        foreach (string path in Directory.GetFiles(_folder["journals", "j"], "*.seg"))
        {
            File.Move(path, path + ".away");
            await Should.ThrowAsync<CorruptDataException>(async () => await storage.ReadAllAsync("j"));
            File.Move(path + ".away", path);
        }

        (await storage.ReadAllAsync("j")).ShouldBe(TestFrames.Lsns(1, 40));
    }

    [Fact]
    public async Task A_segment_that_is_shorter_than_it_was_made_has_lost_data()
    {
        await WriteAsync(3);
        await using (FileStream file = File.OpenWrite(FirstSegment))
        {
            file.SetLength(64 + (3 * FrameBytes) + 1);
        }

        await using FileStorage storage = Open();
        (await Should.ThrowAsync<CorruptDataException>(async () => await storage.SealJournalAsync("j", default))).Position.ShouldBe(64 + (3 * FrameBytes) + 1);
    }

    [Fact]
    public async Task A_confirmed_frame_that_is_gone_is_reported_even_at_the_end()
    {
        await using FileStorage storage = Open();
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", default);
        await writer.AppendAsync(1, 3);
        await ChangeAsync(FirstSegment, bytes => bytes.AsSpan(64 + (2 * FrameBytes)).Clear());
        (await Should.ThrowAsync<CorruptDataException>(async () => await storage.SealJournalAsync("j", default))).Position.ShouldBe(64 + (2 * FrameBytes));
        (await Should.ThrowAsync<CorruptDataException>(async () => await storage.ReadFramesAsync("j", 1, 3, 1000, default))).Position.ShouldBe(64 + (2 * FrameBytes));
        (await storage.ReadFramesAsync("j", 1, 2, 1000, default)).Count.ShouldBe(2);
    }

    [Fact]
    public async Task A_segment_of_another_journal_is_reported()
    {
        await WriteAsync(3);
        await WriteAsync(3, journal: "k");
        File.Copy(_folder["journals", "k", "0000000000000001.seg"], FirstSegment, overwrite: true);
        await using FileStorage storage = Open();
        (await Should.ThrowAsync<CorruptDataException>(async () => await storage.SealJournalAsync("j", default))).Message.ShouldContain("another journal");
    }

    [Fact]
    public async Task A_copy_of_a_segment_inside_a_frame_proves_nothing()
    {
        // The torn last frame carries, as its body, the very segment with all its frames, and a later one.
        byte[] body;
        await WriteAsync(4);
        body = (await File.ReadAllBytesAsync(FirstSegment))[..(64 + (4 * FrameBytes))];
        Directory.Delete(_folder["journals", "j"], recursive: true);
        await using (FileStorage storage = Open())
        {
            await using IJournalWriter writer = await storage.CreateJournalAsync("j", default);
            await writer.AppendAsync(1, 2);
            byte[] header = new byte[FrameHeader.Size];
            new FrameHeader(body.Length, 0, 3, Crc32C.Compute(body)).Write(header);
            header[5] ^= 1;
            await writer.AppendAsync([new FrameToWrite(3, [header, body], header.Length + body.Length)], default);
        }

        await using FileStorage again = Open();
        (await again.SealJournalAsync("j", default)).ShouldBe(2);
    }

    private static async Task ChangeAsync(string path, Action<byte[]> change)
    {
        byte[] bytes = await File.ReadAllBytesAsync(path);
        change(bytes);
        await File.WriteAllBytesAsync(path, bytes);
    }

    private async Task WriteAsync(long count, long segmentBytes = 4096, string journal = "j")
    {
        await using FileStorage storage = Open(segmentBytes);
        await using IJournalWriter writer = await storage.CreateJournalAsync(journal, default);
        await writer.AppendAsync(1, count);
    }

    private FileStorage Open(long segmentBytes = 4096) => FileStorage.Open(
        _folder.Path, new FileStorageOptions { SegmentSizeBytes = segmentBytes, Files = LyingFileSystem.WithoutFlushes(), MakeSegmentsAhead = false });
}

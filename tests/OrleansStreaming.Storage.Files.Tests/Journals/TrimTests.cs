using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Files.Tests;

public sealed class TrimTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Whole_segments_below_are_deleted()
    {
        await using FileStorage storage = Open();
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", default);
        await writer.AppendAsync(1, 40, bodyBytes: 200); // 15 in a segment
        await storage.TrimJournalAsync("j", 15, default);
        (await storage.ReadAllAsync("j")).ShouldBe(TestFrames.Lsns(1, 40));
        await storage.TrimJournalAsync("j", 16, default);
        (await storage.ReadAllAsync("j")).ShouldBe(TestFrames.Lsns(16, 40));
        (await storage.ReadFramesAsync("j", 3, 15, 1000, default)).ShouldBeEmpty();
        await storage.TrimJournalAsync("j", long.MaxValue, default);
        (await storage.ReadAllAsync("j")).ShouldBe(TestFrames.Lsns(31, 40));
        await writer.AppendAsync(41, 41);
        await storage.DisposeAsync();

        await using FileStorage again = Open();
        (await again.ReadAllAsync("j")).ShouldBe(TestFrames.Lsns(31, 41));
        (await again.SealJournalAsync("j", default)).ShouldBe(41);
    }

    [Fact]
    public async Task A_sealed_journal_that_nobody_needs_is_deleted()
    {
        await using FileStorage storage = Open();
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", default);
        await writer.AppendAsync(1, 40, bodyBytes: 200);
        (await storage.SealJournalAsync("j", default)).ShouldBe(40);
        await storage.TrimJournalAsync("j", 41, default);
        Directory.Exists(_folder["journals", "j"]).ShouldBeTrue();
        await storage.TrimJournalAsync("j", long.MaxValue, default);
        Directory.Exists(_folder["journals", "j"]).ShouldBeFalse();
        Directory.GetFileSystemEntries(_folder["tmp"]).ShouldBeEmpty();
        (await storage.ReadAllAsync("j")).ShouldBeEmpty();
        await Should.ThrowAsync<JournalFencedException>(async () => await writer.AppendAsync(41, 41));
        await storage.TrimJournalAsync("j", long.MaxValue, default);
        await storage.TrimJournalAsync("never", long.MaxValue, default);
    }

    [Fact]
    public async Task A_trim_that_was_cut_short_leaves_no_damage()
    {
        var files = new FaultyFileSystem();
        await using (FileStorage storage = Open(files))
        {
            await using IJournalWriter writer = await storage.CreateJournalAsync("j", default);
            await writer.AppendAsync(1, 40, bodyBytes: 200);
            files.FailNth(1, FaultyFileSystem.InputOutputError, operation => operation.Call is FileCall.Rename && operation.To!.Contains("spare", StringComparison.Ordinal));
            await Should.ThrowAsync<StorageException>(async () => await storage.TrimJournalAsync("j", 31, default));
        }

        File.Exists(_folder["journals", "j", "0000000000000001.seg"]).ShouldBeTrue();
        await using FileStorage again = Open();
        (await again.ReadAllAsync("j")).ShouldBe(TestFrames.Lsns(31, 40));
    }

    [Fact]
    public async Task Trimmed_segments_are_used_again()
    {
        await using FileStorage storage = Open();
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", default);
        await writer.AppendAsync(1, 31, bodyBytes: 200);
        await storage.TrimJournalAsync("j", 31, default);
        Directory.GetFiles(_folder["spare"]).Length.ShouldBe(2);
        await writer.AppendAsync(32, 46, bodyBytes: 200);
        Directory.GetFiles(_folder["spare"]).Length.ShouldBe(1);
        await storage.DisposeAsync();

        await using FileStorage again = Open();
        await using IJournalWriter other = await again.CreateJournalAsync("k", default);
        Directory.GetFiles(_folder["spare"]).Length.ShouldBe(0);
        await other.AppendAsync(1, 1, bodyBytes: 200);
        (await again.ReadAllAsync("k")).ShouldBe([1]);
    }

    [Fact]
    public async Task Frames_left_in_a_recycled_segment_are_never_read()
    {
        // The worst case: the old frames have the same sizes and LSNs as those that the new journal would write next.
        await using FileStorage storage = Open();
        await using IJournalWriter writer = await storage.CreateJournalAsync("old", default);
        await writer.AppendAsync(1, 16, bodyBytes: 200);
        await storage.TrimJournalAsync("old", 16, default);
        await using IJournalWriter other = await storage.CreateJournalAsync("new", default);
        await other.AppendAsync(1, 3, bodyBytes: 200);
        byte[] bytes = await File.ReadAllBytesAsync(_folder["journals", "new", "0000000000000001.seg"]);
        bytes.AsSpan().IndexOf(TestFrames.Bytes(TestFrames.Frame(4, 200))).ShouldBe(64 + (3 * (24 + 232)) + 24);
        await storage.DisposeAsync();

        await using FileStorage again = Open();
        (await again.ReadAllAsync("new")).ShouldBe([1, 2, 3]);
        (await again.SealJournalAsync("new", default)).ShouldBe(3);
        (await again.ReadAllAsync("new")).ShouldBe([1, 2, 3]);
    }

    [Fact]
    public async Task A_segment_that_is_being_read_is_not_used_again()
    {
        var files = new RecordingFileSystem();
        using var pause = new Pause(operation => operation.Call == FileCall.Read && operation.Path.EndsWith("1.seg", StringComparison.Ordinal));
        await using FileStorage storage = Open(files);
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", default);
        await writer.AppendAsync(1, 16, bodyBytes: 200);
        files.Before = pause.Before;
        Task<long[]> read = Task.Run(() => storage.ReadAllAsync("j"));
        await pause.Reached;
        await storage.TrimJournalAsync("j", 16, default);
        Directory.GetFiles(_folder["spare"]).ShouldBeEmpty();
        await writer.AppendAsync(17, 31, bodyBytes: 200);
        pause.Release();
        (await read).ShouldBe(TestFrames.Lsns(1, 31));
    }

    private FileStorage Open(IFileSystem? files = null) => FileStorage.Open(
        _folder.Path, new FileStorageOptions { SegmentSizeBytes = 4096, Files = files ?? DiskFileSystem.Instance, MakeSegmentsAhead = false });
}

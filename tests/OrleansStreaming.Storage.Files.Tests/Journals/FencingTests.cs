using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Files.Tests;

public sealed class FencingTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_sealed_journal_confirms_nothing_more()
    {
        await using FileStorage storage = Open();
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", default);
        await writer.AppendAsync(1, 5);
        (await storage.SealJournalAsync("j", default)).ShouldBe(5);
        await Should.ThrowAsync<JournalFencedException>(async () => await writer.AppendAsync(6, 6));
        await Should.ThrowAsync<JournalFencedException>(async () => await writer.AppendAsync(6, 6));
        (await storage.SealJournalAsync("j", default)).ShouldBe(5);
        (await storage.ReadAllAsync("j")).ShouldBe(TestFrames.Lsns(1, 5));
        await storage.DisposeAsync();

        await using FileStorage again = Open();
        (await again.ReadAllAsync("j")).ShouldBe(TestFrames.Lsns(1, 5));
        (await again.SealJournalAsync("j", default)).ShouldBe(5);
    }

    [Fact]
    public async Task A_writer_that_paused_after_its_flush_confirms_nothing_and_its_frames_are_kept()
    {
        var files = new RecordingFileSystem();
        using var pause = new Pause(operation => operation.Call == FileCall.FileExists && operation.Path.EndsWith("fence", StringComparison.Ordinal));
        await using FileStorage storage = Open(files);
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", default);
        await writer.AppendAsync(1, 2);
        files.Before = pause.Before;
        Task append = writer.AppendTogetherAsync(3, 4).AsTask();
        await pause.Reached;
        (await storage.SealJournalAsync("j", default)).ShouldBe(4);
        pause.Release();
        await Should.ThrowAsync<JournalFencedException>(append);
        (await storage.ReadAllAsync("j")).ShouldBe(TestFrames.Lsns(1, 4));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Bytes_that_arrive_after_the_seal_change_nothing(bool fromAnotherProcess)
    {
        var files = new RecordingFileSystem();
        using var pause = new Pause(operation => operation.Call == FileCall.Write && operation.Path.EndsWith("1.seg", StringComparison.Ordinal));
        await using FileStorage storage = Open(files, locks: false);
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", default);
        await writer.AppendAsync(1, 2);
        files.Before = pause.Before;
        Task append = writer.AppendTogetherAsync(3, 4).AsTask();
        await pause.Reached;
        await using FileStorage sealer = fromAnotherProcess ? Open(locks: false) : storage;
        (await sealer.SealJournalAsync("j", default)).ShouldBe(2);
        pause.Release();
        await Should.ThrowAsync<JournalFencedException>(append);
        (await sealer.SealJournalAsync("j", default)).ShouldBe(2);
        (await sealer.ReadAllAsync("j")).ShouldBe([1, 2]);

        await using FileStorage third = Open(locks: false);
        (await third.ReadAllAsync("j")).ShouldBe([1, 2]);
        (await third.SealJournalAsync("j", default)).ShouldBe(2);
    }

    [Fact]
    public async Task A_writer_that_paused_while_its_journal_was_sealed_and_deleted_confirms_nothing()
    {
        var files = new RecordingFileSystem();
        using var pause = new Pause(operation => operation.Call == FileCall.Write && operation.Path.EndsWith("1.seg", StringComparison.Ordinal));
        await using FileStorage storage = Open(files);
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", default);
        await writer.AppendAsync(1, 1, bodyBytes: 200);
        files.Before = pause.Before;
        Task append = writer.AppendAsync(2, 2, bodyBytes: 200);
        await pause.Reached;
        await storage.SealJournalAsync("j", default);
        await storage.TrimJournalAsync("j", long.MaxValue, default);

        // Its file must not have become another journal's.
        await using IJournalWriter other = await storage.CreateJournalAsync("k", default);
        await other.AppendAsync(1, 5, bodyBytes: 200);
        pause.Release();
        await Should.ThrowAsync<JournalFencedException>(append);
        (await storage.ReadAllAsync("k")).ShouldBe(TestFrames.Lsns(1, 5));
    }

    [Fact]
    public async Task All_sealers_find_the_same_end_and_no_confirmed_frame_lies_behind_it()
    {
        for (int round = 0; round < 20; round++)
        {
            string journal = $"j{round}";
            await using FileStorage storage = Open(locks: false);
            await using FileStorage other = Open(locks: false);
            await using IJournalWriter writer = await storage.CreateJournalAsync(journal, default);
            long confirmed = 0;
            var enough = new TaskCompletionSource();
            Task writing = Task.Run(async () =>
            {
                try
                {
                    while (true)
                    {
                        await writer.AppendTogetherAsync(confirmed + 1, confirmed + 2);
                        confirmed += 2;
                        if (confirmed >= 20)
                        {
                            enough.TrySetResult();
                        }
                    }
                }
                catch (JournalFencedException)
                {
                }
            });
            await enough.Task;

            // The others of this process come at once; one of another process comes when it is done.
            long[] ends = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () => await storage.SealJournalAsync(journal, default))));
            await writing.WaitAsync(TimeSpan.FromSeconds(20));
            ends.ShouldAllBe(end => end == ends[0]);
            (await other.SealJournalAsync(journal, default)).ShouldBe(ends[0]);
            ends[0].ShouldBeGreaterThanOrEqualTo(confirmed);
            (await other.ReadAllAsync(journal)).ShouldBe(TestFrames.Lsns(1, ends[0]));
        }
    }

    [Fact]
    public async Task A_sealer_that_died_before_it_found_the_end_is_taken_over()
    {
        var files = new FaultyFileSystem();
        await using FileStorage storage = Open(files);
        await using (IJournalWriter writer = await storage.CreateJournalAsync("j", default))
        {
            await writer.AppendAsync(1, 3);
            files.FailNth(2, FaultyFileSystem.InputOutputError, operation => operation.Call == FileCall.Rename);
            await Should.ThrowAsync<StorageException>(async () => await storage.SealJournalAsync("j", default));
            File.Exists(_folder["journals", "j", "fence"]).ShouldBeTrue();
            await Should.ThrowAsync<JournalFencedException>(async () => await writer.AppendAsync(4, 4));
        }

        await storage.DisposeAsync();
        await using FileStorage again = Open();
        (await again.SealJournalAsync("j", default)).ShouldBeInRange(3, 4);
    }

    [Fact]
    public async Task A_journal_that_was_never_created_ends_at_0_and_stays_so()
    {
        await using FileStorage storage = Open();
        (await storage.SealJournalAsync("j", default)).ShouldBe(0);
        await Should.ThrowAsync<StorageException>(async () => await storage.CreateJournalAsync("j", default));
        (await storage.ReadAllAsync("j")).ShouldBeEmpty();
        (await storage.SealJournalAsync("j", default)).ShouldBe(0);
    }

    [Fact]
    public async Task A_fence_that_cannot_be_looked_for_stops_the_writer()
    {
        var files = new FaultyFileSystem();
        await using FileStorage storage = Open(files);
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", default);
        await writer.AppendAsync(1, 1);
        files.FailNth(1, FaultyFileSystem.InputOutputError, operation => operation.Call == FileCall.FileExists);
        (await Should.ThrowAsync<StorageException>(async () => await writer.AppendAsync(2, 2))).Ambiguous.ShouldBeTrue();
        await Should.ThrowAsync<StorageException>(async () => await writer.AppendAsync(2, 2));
        (await storage.SealJournalAsync("j", default)).ShouldBe(1);
    }

    private FileStorage Open(IFileSystem? files = null, bool locks = true) => FileStorage.Open(
        _folder.Path, new FileStorageOptions { SegmentSizeBytes = 4096, Files = files ?? DiskFileSystem.Instance, LockFolder = locks });
}

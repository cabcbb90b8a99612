using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Files.Tests;

public sealed class JournalTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task What_was_appended_is_read()
    {
        await using FileStorage storage = Open();
        await using IJournalWriter writer = await storage.CreateJournalAsync("silo0-1", default);
        await writer.AppendAsync(1, 3);
        await writer.AppendTogetherAsync(4, 10, bodyBytes: 0);
        (await storage.ReadAllAsync("silo0-1")).ShouldBe(TestFrames.Lsns(1, 10));
        (await storage.ReadFramesAsync("silo0-1", 3, 5, 1 << 20, default)).Select(frame => frame.Lsn).ShouldBe([3, 4, 5]);
        (await storage.ReadFramesAsync("silo0-1", 11, 20, 1 << 20, default)).ShouldBeEmpty();
        (await storage.ReadFramesAsync("silo0-1", 5, 4, 1 << 20, default)).ShouldBeEmpty();
        (await storage.ReadFramesAsync("other", 1, 5, 1 << 20, default)).ShouldBeEmpty();
    }

    [Fact]
    public async Task An_empty_append_is_nothing()
    {
        await using FileStorage storage = Open();
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", default);
        await writer.AppendAsync([], default);
        await writer.AppendAsync(1, 1);
        (await storage.SealJournalAsync("j", default)).ShouldBe(1);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    [InlineData(300)]
    [InlineData(5000)]
    [InlineData(int.MaxValue)]
    public async Task Reads_have_a_limit_but_return_a_frame_at_least(int maxBytes)
    {
        await using FileStorage storage = Open(segmentBytes: 4096);
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", default);
        for (long lsn = 1; lsn <= 60; lsn++)
        {
            await writer.AppendAsync(lsn, lsn, bodyBytes: (int)(lsn * 37 % 500));
        }

        await writer.AppendAsync(61, 61, bodyBytes: 20_000); // longer than a segment
        await writer.AppendAsync(62, 70);
        IReadOnlyList<StoredFrame> first = await storage.ReadFramesAsync("j", 1, long.MaxValue, maxBytes, default);
        first.Count.ShouldBeGreaterThan(0);
        if (first.Count > 1)
        {
            first.Sum(frame => (long)frame.Bytes.Length).ShouldBeLessThanOrEqualTo(maxBytes);
        }

        (await storage.ReadAllAsync("j", maxBytes: maxBytes)).ShouldBe(TestFrames.Lsns(1, 70));
        for (long lsn = 70; lsn >= 1; lsn--)
        {
            (await storage.ReadFramesAsync("j", lsn, lsn, maxBytes, default)).Select(frame => frame.Lsn).ShouldBe([lsn]);
        }

        await storage.DisposeAsync();
        await using FileStorage again = Open(segmentBytes: 4096);
        (await again.SealJournalAsync("j", default)).ShouldBe(70);
        (await again.ReadAllAsync("j", maxBytes: maxBytes)).ShouldBe(TestFrames.Lsns(1, 70));
    }

    [Fact]
    public async Task Large_frames_and_many_segments_are_read_from_anywhere()
    {
        await using FileStorage storage = Open(segmentBytes: 4 << 20);
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", default);
        for (long lsn = 1; lsn <= 300; lsn += 10)
        {
            await writer.AppendTogetherAsync(lsn, lsn + 9, bodyBytes: 50_000 + (int)lsn);
        }

        Directory.GetFiles(_folder["journals", "j"], "*.seg").Length.ShouldBeGreaterThan(3);
        foreach (long lsn in new long[] { 299, 1, 150, 151, 20, 300 })
        {
            (await storage.ReadFramesAsync("j", lsn, lsn, 1 << 20, default)).Single().Lsn.ShouldBe(lsn);
        }

        (await storage.ReadAllAsync("j")).ShouldBe(TestFrames.Lsns(1, 300));
    }

    [Fact]
    public async Task A_journal_is_created_once()
    {
        await using FileStorage storage = Open();
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", default);
        (await Should.ThrowAsync<StorageException>(async () => await storage.CreateJournalAsync("j", default))).Message.ShouldContain("exists");
        await storage.DisposeAsync();
        await using FileStorage again = Open();
        await Should.ThrowAsync<StorageException>(async () => await again.CreateJournalAsync("j", default));
    }

    [Fact]
    public async Task Wrong_frames_are_refused_before_anything_is_written()
    {
        await using FileStorage storage = Open();
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", default);
        await Should.ThrowAsync<ArgumentException>(async () => await writer.AppendAsync(2, 2));
        await Should.ThrowAsync<ArgumentException>(async () => await writer.AppendAsync([TestFrames.Frame(1), TestFrames.Frame(3)], default));
        await Should.ThrowAsync<ArgumentException>(async () => await writer.AppendAsync([TestFrames.Frame(1) with { Length = 47 }], default));
        await writer.AppendAsync(1, 2);
        (await storage.ReadAllAsync("j")).ShouldBe([1, 2]);
    }

    [Fact]
    public async Task Two_appends_at_once_are_a_mistake()
    {
        var files = new RecordingFileSystem();
        using var pause = new Pause(operation => operation.Call == FileCall.Flush);
        await using FileStorage storage = Open(files);
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", default);
        files.Before = pause.Before;
        Task first = writer.AppendAsync(1, 1);
        await pause.Reached;
        await Should.ThrowAsync<InvalidOperationException>(async () => await writer.AppendAsync(1, 1));
        pause.Release();
        await first;
        await writer.AppendAsync(2, 2);
    }

    [Fact]
    public async Task An_abandoned_append_ends_the_writer()
    {
        var files = new RecordingFileSystem();
        using var pause = new Pause(operation => operation.Call == FileCall.Flush);
        await using FileStorage storage = Open(files);
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", default);
        await writer.AppendAsync(1, 1);
        files.Before = pause.Before;
        using var cancel = new CancellationTokenSource();
        Task append = writer.AppendAsync([TestFrames.Frame(2)], cancel.Token).AsTask();
        await pause.Reached;
        await cancel.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(append);
        pause.Release();
        await Should.ThrowAsync<Exception>(async () => await writer.AppendAsync(2, 2));
        (await storage.SealJournalAsync("j", default)).ShouldBeInRange(1, 2);
    }

    [Fact]
    public async Task Readers_may_read_while_the_writer_writes_and_others_trim()
    {
        await using FileStorage storage = Open(segmentBytes: 8192);
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", default);
        const long last = 600;
        Task writing = Task.Run(async () =>
        {
            for (long lsn = 1; lsn <= last; lsn += 3)
            {
                await writer.AppendTogetherAsync(lsn, lsn + 2, bodyBytes: 100);
                if (lsn % 150 == 1)
                {
                    await storage.TrimJournalAsync("j", lsn - 100, default);
                }
            }
        });
        Task reading = Task.WhenAll(Enumerable.Range(0, 2).Select(_ => Task.Run(async () =>
        {
            for (long next = 1; next <= last;)
            {
                foreach (StoredFrame frame in await storage.ReadFramesAsync("j", next, long.MaxValue, 1000, default))
                {
                    frame.Lsn.ShouldBeGreaterThanOrEqualTo(next);
                    frame.Bytes.Span.SequenceEqual(TestFrames.Bytes(TestFrames.Frame(frame.Lsn, 100))).ShouldBeTrue();
                    next = frame.Lsn + 1;
                }
            }
        })));
        await Task.WhenAll(writing, reading).WaitAsync(TimeSpan.FromSeconds(25));
    }

    [Fact]
    public async Task The_delay_passes_before_an_append_is_confirmed()
    {
        var time = new ManualTime();
        await using FileStorage storage = FileStorage.Open(
            _folder.Path, new FileStorageOptions { FlushDelay = TimeSpan.FromMilliseconds(30), TimeProvider = time });
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", default);
        Task append = writer.AppendAsync(1, 1);
        (TimeSpan due, Action fire) = await time.Timer;
        due.ShouldBe(TimeSpan.FromMilliseconds(30));
        append.IsCompleted.ShouldBeFalse();
        (await storage.ReadAllAsync("j")).ShouldBeEmpty();
        fire();
        await append;
        (await storage.ReadAllAsync("j")).ShouldBe([1]);
    }

    private FileStorage Open(IFileSystem? files = null, long segmentBytes = 64 << 10) =>
        FileStorage.Open(_folder.Path, new FileStorageOptions { SegmentSizeBytes = segmentBytes, Files = files ?? DiskFileSystem.Instance });
}

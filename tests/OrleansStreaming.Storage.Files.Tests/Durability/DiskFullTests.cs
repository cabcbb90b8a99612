using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Files.Tests;

public sealed class DiskFullTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(FaultyFileSystem.NoSpace, null)]
    [InlineData(FaultyFileSystem.NoSpace, 100)]
    [InlineData(FaultyFileSystem.QuotaExceeded, null)]
    [InlineData(FaultyFileSystem.QuotaExceeded, 230)]
    public async Task Every_operation_may_run_out_of_space_and_be_repeated(int error, int? shortWriteBytes)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The error numbers are those of Linux.");
        for (int n = 1; ; n++)
        {
            using var folder = new TempFolder();
            var files = new FaultyFileSystem();
            await using FileStorage storage = Open(folder, files);
            files.FailNth(n, error, operation => operation.Call is FileCall.Write or FileCall.Reserve or FileCall.Flush or FileCall.Create or FileCall.CreateDirectory or FileCall.Rename, shortWriteBytes);
            IJournalWriter writer = await RepeatAsync(async () => await storage.CreateJournalAsync("j", default));
            for (long lsn = 1; lsn <= 40; lsn += 4)
            {
                // The failed append was longer, and its later frames must not come back behind those of the repeated one.
                long first = lsn;
                bool failed = false;
                await RepeatAsync(async () =>
                {
                    long last = failed ? first : first + 3;
                    try
                    {
                        await writer.AppendTogetherAsync(first, last, bodyBytes: 200);
                    }
                    catch (StorageFullException)
                    {
                        failed = true;
                        (await storage.ReadFramesAsync("j", first, first + 3, 10_000, default)).ShouldBeEmpty();
                        throw;
                    }

                    return true;
                });
                if (failed)
                {
                    (await storage.ReadAllAsync("j", maxBytes: 300)).ShouldBe(TestFrames.Lsns(1, first));
                    await writer.AppendTogetherAsync(first + 1, first + 3, bodyBytes: 200);
                }
            }

            string? tag = await RepeatAsync(async () => await storage.SwapRecordAsync("r", null, "1"u8.ToArray(), default));
            (await RepeatAsync(async () => await storage.SwapRecordAsync("r", tag, "2"u8.ToArray(), default))).ShouldNotBeNull();
            await RepeatAsync(async () =>
            {
                await storage.WriteRunAsync("run", "3"u8.ToArray(), default);
                return true;
            });
            await storage.DisposeAsync();

            await using FileStorage again = Open(folder, DiskFileSystem.Instance);
            (await again.SealJournalAsync("j", default)).ShouldBe(40);
            (await again.ReadAllAsync("j")).ShouldBe(TestFrames.Lsns(1, 40));
            (await again.ReadRecordAsync("r", default))!.Content.ToArray().ShouldBe("2"u8.ToArray());
            (await again.ReadRunAsync("run", 0, 10, default)).ToArray().ShouldBe("3"u8.ToArray());
            if (files.Failures == 0)
            {
                n.ShouldBeGreaterThan(30);
                return;
            }
        }
    }

    [Fact]
    public async Task An_append_that_is_not_repeated_leaves_nothing()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The error numbers are those of Linux.");
        var files = new FaultyFileSystem();
        await using FileStorage storage = Open(_folder, files);
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", default);
        await writer.AppendAsync(1, 2);
        files.FailNth(1, FaultyFileSystem.NoSpace, operation => operation.Call == FileCall.Flush);
        await Should.ThrowAsync<StorageFullException>(async () => await writer.AppendTogetherAsync(3, 4));
        await storage.DisposeAsync();
        await using FileStorage again = Open(_folder, DiskFileSystem.Instance);
        (await again.SealJournalAsync("j", default)).ShouldBe(2);
    }

    [Fact]
    public async Task When_the_failed_append_cannot_be_cleared_the_journal_ends_there()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The error numbers are those of Linux.");
        var files = new FaultyFileSystem();
        await using FileStorage storage = Open(_folder, files);
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", default);
        await writer.AppendAsync(1, 2);
        files.FailNth(1, FaultyFileSystem.NoSpace, operation => operation.Call == FileCall.Flush && operation.Path.EndsWith(".seg", StringComparison.Ordinal), forEver: true);
        StorageException e = await Should.ThrowAsync<StorageException>(async () => await writer.AppendTogetherAsync(3, 4));
        e.ShouldNotBeOfType<StorageFullException>();
        e.Ambiguous.ShouldBeTrue();
        await Should.ThrowAsync<StorageException>(async () => await writer.AppendAsync(3, 3));
        (await storage.SealJournalAsync("j", default)).ShouldBe(2);
    }

    [Fact]
    public async Task An_append_is_not_cleared_once_a_sealer_may_have_counted_it()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The error numbers are those of Linux.");
        var files = new FaultyFileSystem();
        await using FileStorage storage = Open(_folder, files);
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", default);
        await writer.AppendAsync(1, 2);
        using var pause = new Pause(operation => operation.Call == FileCall.Flush);
        files.Before = operation =>
        {
            if (operation.Call == FileCall.Flush && Thread.CurrentThread.Name == "journal j")
            {
                pause.Before(operation);
                throw FaultyFileSystem.Error(FaultyFileSystem.NoSpace);
            }
        };
        Task append = writer.AppendTogetherAsync(3, 4).AsTask();
        await pause.Reached;
        (await storage.SealJournalAsync("j", default)).ShouldBe(4);
        pause.Release();
        await Should.ThrowAsync<JournalFencedException>(append);
        (await storage.ReadAllAsync("j")).ShouldBe(TestFrames.Lsns(1, 4));
    }

    [Fact]
    public async Task A_real_disk_fills_up_and_is_used_again()
    {
        using TinyDisk? disk = TinyDisk.TryMount(1 << 20);
        Assert.SkipWhen(disk is null, "Mounting a tmpfs is not permitted here.");
        await using FileStorage storage = FileStorage.Open(disk.Path, new FileStorageOptions { SegmentSizeBytes = 128 << 10 });
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", default);
        long lsn = 0;
        await Should.ThrowAsync<StorageFullException>(async () =>
        {
            while (lsn < 100)
            {
                await writer.AppendAsync(lsn + 1, lsn + 1, bodyBytes: 50_000);
                lsn++;
            }
        });
        lsn.ShouldBeInRange(5, 30);
        await Should.ThrowAsync<StorageFullException>(async () => await writer.AppendAsync(lsn + 1, lsn + 1, bodyBytes: 50_000));
        (await storage.ReadAllAsync("j")).ShouldBe(TestFrames.Lsns(1, lsn));
        await Should.ThrowAsync<StorageFullException>(async () => await storage.WriteRunAsync("run", new byte[1 << 20], default));
        (await storage.ListRunsAsync("", default)).ShouldBeEmpty();

        Directory.GetFiles(Path.Combine(disk.Path, "tmp")).ShouldBeEmpty();
        await Should.ThrowAsync<StorageFullException>(async () => await storage.CreateJournalAsync("k", default));
        Directory.GetFiles(Path.Combine(disk.Path, "spare")).ShouldBeEmpty();
        disk.Resize(4 << 20);
        await writer.AppendAsync(lsn + 1, lsn + 10, bodyBytes: 50_000);
        (await storage.SealJournalAsync("j", default)).ShouldBe(lsn + 10);
        (await storage.ReadAllAsync("j")).ShouldBe(TestFrames.Lsns(1, lsn + 10));
    }

    private static async Task<T> RepeatAsync<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (StorageFullException)
        {
            return await work(); // there is space now
        }
    }

    private static FileStorage Open(TempFolder folder, IFileSystem files) => FileStorage.Open(
        folder.Path, new FileStorageOptions { SegmentSizeBytes = 4096, Files = files, MakeSegmentsAhead = false });
}

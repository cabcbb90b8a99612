using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Files.Tests;

public sealed class FailingDiskTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(FileCall.Flush)]
    [InlineData(FileCall.Write)]
    public async Task After_a_failure_the_writer_writes_nothing_more_and_the_journal_ends_where_it_was_confirmed(FileCall call)
    {
        var files = new FaultyFileSystem();
        await using FileStorage storage = Open(files);
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", default);
        await writer.AppendAsync(1, 2);
        files.FailNth(1, FaultyFileSystem.InputOutputError, operation => operation.Call == call);
        (await Should.ThrowAsync<StorageException>(async () => await writer.AppendTogetherAsync(3, 4))).Ambiguous.ShouldBeTrue();
        files.ClearLog();
        await Should.ThrowAsync<StorageException>(async () => await writer.AppendTogetherAsync(3, 4));
        files.Log.ShouldBeEmpty();

        // The frames lie in the system's memory and look whole, but may not be on the disk.
        (await storage.SealJournalAsync("j", default)).ShouldBe(2);
        (await storage.ReadAllAsync("j")).ShouldBe([1, 2]);
        await storage.DisposeAsync();
        await using FileStorage again = Open();
        (await again.SealJournalAsync("j", default)).ShouldBe(2);
    }

    [Fact]
    public async Task A_sealer_stores_again_what_a_dead_writer_left_in_memory()
    {
        var files = new FaultyFileSystem();
        await using (FileStorage storage = Open(files))
        {
            await using IJournalWriter writer = await storage.CreateJournalAsync("j", default);
            await writer.AppendAsync(1, 2);

            // Not even the fence can be written; then the process dies.
            files.FailNth(1, FaultyFileSystem.InputOutputError, operation => operation.Call is FileCall.Flush, forEver: true);
            await Should.ThrowAsync<StorageException>(async () => await writer.AppendTogetherAsync(3, 4));
        }

        var recorded = new RecordingFileSystem();
        await using FileStorage again = Open(recorded);
        recorded.ClearLog();
        (await again.SealJournalAsync("j", default)).ShouldBe(4);
        string segment = _folder["journals", "j", "0000000000000001.seg"];
        FileOperation[] log = [.. recorded.Log.Where(operation => operation.Path == segment && operation.Changes)];
        log.ShouldBe([new FileOperation(FileCall.Write, segment, null, 64 + (2 * 72), 2 * 72), new FileOperation(FileCall.Flush, segment)]);
        (await again.ReadAllAsync("j")).ShouldBe(TestFrames.Lsns(1, 4));
    }

    [Fact]
    public async Task Whatever_fails_no_confirmed_frame_is_lost_and_no_call_hangs()
    {
        for (int n = 1; ; n++)
        {
            using var folder = new TempFolder();
            var files = new FaultyFileSystem();
            long confirmed = 0;
            bool created = false;
            string? content = null;
            await using (FileStorage storage = FileStorage.Open(folder.Path, Options(files)))
            {
                files.FailNth(n, FaultyFileSystem.InputOutputError, operation => operation.Changes);
                try
                {
                    await using IJournalWriter writer = await storage.CreateJournalAsync("j", default);
                    created = true;
                    for (long lsn = 1; lsn <= 40; lsn += 4)
                    {
                        await writer.AppendTogetherAsync(lsn, lsn + 3, bodyBytes: 200);
                        confirmed = lsn + 3;
                    }

                    await storage.TrimJournalAsync("j", 20, default);
                    string? tag = await storage.SwapRecordAsync("r", null, "1"u8.ToArray(), default);
                    content = "1";
                    await storage.SwapRecordAsync("r", tag, "2"u8.ToArray(), default);
                    content = "2";
                    await storage.SealJournalAsync("j", default);
                }
                catch (StorageException e)
                {
                    e.ShouldNotBeOfType<CorruptDataException>();
                }
            }

            await using FileStorage again = FileStorage.Open(folder.Path, Options(DiskFileSystem.Instance));
            long end = await again.SealJournalAsync("j", default);
            end.ShouldBeInRange(confirmed, confirmed + 4);
            long[] lsns = await again.ReadAllAsync("j");
            lsns.ShouldBe(TestFrames.Lsns(end - lsns.Length + 1, end));
            (end - lsns.Length).ShouldBeOneOf(0, 12);
            if (content is not null)
            {
                (await again.ReadRecordAsync("r", default))!.Content.Span[0].ShouldBeGreaterThanOrEqualTo((byte)content[0]);
            }

            if (files.Failures == 0)
            {
                created.ShouldBeTrue();
                content.ShouldBe("2");
                return;
            }
        }
    }

    [Fact]
    public async Task A_record_that_may_not_be_durable_is_made_so_before_anybody_sees_it()
    {
        var files = new FaultyFileSystem();
        await using FileStorage storage = Open(files);
        string? tag = await storage.SwapRecordAsync("r", null, "1"u8.ToArray(), default);
        files.FailNth(1, FaultyFileSystem.InputOutputError, operation => operation.Call == FileCall.SyncDirectory);
        (await Should.ThrowAsync<StorageException>(async () => await storage.SwapRecordAsync("r", tag, "2"u8.ToArray(), default))).Ambiguous.ShouldBeTrue();
        files.ClearLog();
        StoredRecord record = (await storage.ReadRecordAsync("r", default))!;
        record.Content.ToArray().ShouldBe("2"u8.ToArray());
        record.Tag.ShouldNotBe(tag);
        files.Log.Select(operation => operation.Call).ShouldContain(FileCall.SyncDirectory);
        files.ClearLog();
        await storage.ReadRecordAsync("r", default);
        files.Log.Select(operation => operation.Call).ShouldNotContain(FileCall.SyncDirectory);
    }

    private static FileStorageOptions Options(IFileSystem files) => new() { SegmentSizeBytes = 4096, Files = files, MakeSegmentsAhead = false };

    private FileStorage Open(IFileSystem? files = null) => FileStorage.Open(_folder.Path, Options(files ?? DiskFileSystem.Instance));
}

using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Files.Tests;

/// <summary>
/// Killing a process proves nothing about flushing, since the system keeps what was written. The order of operations
/// proves it; and that these tests would notice is shown by files that lie.
/// </summary>
public sealed class DurabilityTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Nothing_is_confirmed_before_it_is_durable()
    {
        var files = new RecordingFileSystem();
        await RunEverythingAsync(files);
        DurabilityChecker.Violations(files.Log, _folder.Path).ShouldBeEmpty();
        files.Log.Count(operation => operation.Call == FileCall.Note).ShouldBe(26);
    }

    [Theory]
    [InlineData("a flush of a segment's header", FileCall.Flush, "spare")]
    [InlineData("a flush of frames", FileCall.Flush, "journals")]
    [InlineData("a flush of a small file", FileCall.Flush, "tmp")]
    [InlineData("a flush of the journal's folder", FileCall.SyncDirectory, "journals/j")]
    [InlineData("a flush of the folder of journals", FileCall.SyncDirectory, "journals")]
    [InlineData("a flush of the folder of records", FileCall.SyncDirectory, "records")]
    [InlineData("a flush of the folder of runs", FileCall.SyncDirectory, "runs")]
    public async Task A_skipped_flush_is_noticed(string bug, FileCall call, string part)
    {
        string path = _folder[part.Split('/')];
        var files = new LyingFileSystem(operation => operation.Call == call
            && (call == FileCall.SyncDirectory ? operation.Path == path : operation.Path.StartsWith(path, StringComparison.Ordinal)));
        await RunEverythingAsync(files);
        DurabilityChecker.Violations(files.Log, _folder.Path).ShouldNotBeEmpty(bug);
    }

    [Fact]
    public async Task One_skipped_flush_among_many_is_noticed()
    {
        int flushes = 0;
        var files = new LyingFileSystem(operation => operation.Call == FileCall.Flush
            && operation.Path.Contains("journals", StringComparison.Ordinal) && Interlocked.Increment(ref flushes) == 3);
        await RunEverythingAsync(files);
        DurabilityChecker.Violations(files.Log, _folder.Path).Count.ShouldBe(1);
    }

    [Fact]
    public async Task The_fence_is_looked_for_after_the_flush_and_before_the_confirmation()
    {
        var files = new RecordingFileSystem();
        await using FileStorage storage = Open(files);
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", default);
        files.ClearLog();
        await writer.AppendTogetherAsync(1, 3);
        string segment = _folder["journals", "j", "0000000000000001.seg"];
        files.Log.ShouldBe([
            new FileOperation(FileCall.Write, segment, null, 64, 3 * 72),
            new FileOperation(FileCall.Flush, segment),
            new FileOperation(FileCall.FileExists, _folder["journals", "j", "fence"]),
            new FileOperation(FileCall.FileExists, segment),
        ]);
    }

    [Fact]
    public async Task The_fence_is_durable_before_the_end_is_looked_for()
    {
        var files = new RecordingFileSystem();
        await using FileStorage storage = Open(files);
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", default);
        await writer.AppendAsync(1, 3);
        files.ClearLog();
        files.Before = operation =>
        {
            if (operation.Call is FileCall.Open && operation.Path.EndsWith(".seg", StringComparison.Ordinal))
            {
                files.Note("looking for the end");
            }
        };
        await storage.SealJournalAsync("j", default);
        FileOperation[] log = files.Log;
        DurabilityChecker.Violations(log, _folder.Path).ShouldBeEmpty();
        int fence = Array.FindIndex(log, operation => operation.Call == FileCall.Rename && operation.To!.EndsWith("fence", StringComparison.Ordinal));
        int look = Array.FindIndex(log, operation => operation.Call == FileCall.Note);
        fence.ShouldBeInRange(0, look - 1);
    }

    private async Task RunEverythingAsync(RecordingFileSystem files)
    {
        await using FileStorage storage = Open(files);
        await using (IJournalWriter writer = await storage.CreateJournalAsync("j", default))
        {
            files.Note("created");
            for (long lsn = 1; lsn <= 30; lsn += 2)
            {
                await writer.AppendTogetherAsync(lsn, lsn + 1, bodyBytes: 200);
                files.Note($"confirmed {lsn + 1}");
            }
        }

        await storage.TrimJournalAsync("j", 20, default);
        files.Note("trimmed");
        await storage.SealJournalAsync("j", default);
        files.Note("sealed");
        await storage.SealJournalAsync("never", default);
        files.Note("sealed one that was never created");
        string? tag = await storage.SwapRecordAsync("partitions/flights-3", null, new byte[10], default);
        files.Note("swapped");
        await storage.SwapRecordAsync("partitions/flights-3", tag, new byte[20], default);
        files.Note("swapped again");
        await storage.WriteRunAsync("flights-3/1-1", new byte[100_000], default);
        files.Note("written");
        await storage.WriteRunAsync("flights-3/1-1", new byte[100], default);
        files.Note("overwritten");
        await storage.DeleteRunAsync("flights-3/1-1", default);
        files.Note("deleted");
        await storage.TrimJournalAsync("j", long.MaxValue, default);
        files.Note("trimmed altogether");
        await using IJournalWriter other = await storage.CreateJournalAsync("k", default);
        await other.AppendAsync(1, 1);
        files.Note("confirmed in a recycled segment");
    }

    private FileStorage Open(IFileSystem files) => FileStorage.Open(
        _folder.Path, new FileStorageOptions { SegmentSizeBytes = 4096, Files = files, MakeSegmentsAhead = false });
}

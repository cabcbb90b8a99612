using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Files.Tests;

public sealed class FolderTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Only_one_process_uses_a_folder()
    {
        await using (FileStorage first = FileStorage.Open(_folder.Path))
        {
            StorageException e = Should.Throw<StorageException>(() => FileStorage.Open(_folder.Path));
            e.Message.ShouldContain(_folder.Path);
            e.Message.ShouldContain($"process {Environment.ProcessId} ");
        }

        await using FileStorage second = FileStorage.Open(_folder.Path);
    }

    [Fact]
    public async Task A_folder_is_created_with_those_above_it()
    {
        await using FileStorage storage = FileStorage.Open(_folder["a", "b"]);
        await storage.WriteRunAsync("r", new byte[3], default);
        (await storage.ReadRunAsync("r", 0, 10, default)).Length.ShouldBe(3);
    }

    [Fact]
    public void A_file_in_the_place_of_the_folder_is_named()
    {
        File.WriteAllText(_folder["data"], "");
        Should.Throw<StorageException>(() => FileStorage.Open(_folder["data"])).Message.ShouldContain(_folder["data"]);
        Should.Throw<StorageException>(() => FileStorage.Open(_folder["data", "below"])).Message.ShouldContain(_folder["data", "below"]);
    }

    [Fact]
    public void A_read_only_file_system_is_named()
    {
        using TinyDisk? disk = TinyDisk.TryMount(1 << 20);
        Assert.SkipWhen(disk is null, "Mounting a tmpfs is not permitted here.");
        disk.MakeReadOnly();
        StorageException e = Should.Throw<StorageException>(() => FileStorage.Open(disk.Path));
        e.ShouldNotBeOfType<StorageFullException>();
        e.Message.ShouldContain(disk.Path);
        e.Message.ShouldContain("cannot be written");
    }

    [Fact]
    public void A_folder_without_permission_is_named()
    {
        var files = new FaultyFileSystem { Before = operation => _ = operation.Call == FileCall.Lock ? throw new UnauthorizedAccessException("denied") : 0 };
        Should.Throw<StorageException>(() => FileStorage.Open(_folder.Path, new FileStorageOptions { Files = files })).Message.ShouldContain(_folder.Path);
    }

    [Fact]
    public async Task What_a_dead_process_left_aside_is_removed()
    {
        await using (FileStorage storage = FileStorage.Open(_folder.Path))
        {
            File.WriteAllText(_folder["tmp", "7.tmp"], "half");
            File.WriteAllText(_folder["spare", "9.seg"], "half");
        }

        await using FileStorage again = FileStorage.Open(_folder.Path);
        Directory.GetFiles(_folder["tmp"]).ShouldBeEmpty();
        Directory.GetFiles(_folder["spare"]).ShouldBeEmpty();
    }

    [Fact]
    public void Impossible_options_are_refused()
    {
        Should.Throw<ArgumentException>(() => FileStorage.Open(_folder.Path, new FileStorageOptions { SegmentSizeBytes = 10 }));
        Should.Throw<ArgumentException>(() => FileStorage.Open(_folder.Path, new FileStorageOptions { SpareSegments = -1 }));
        Should.Throw<ArgumentException>(() => FileStorage.Open(_folder.Path, new FileStorageOptions { FlushDelay = TimeSpan.FromSeconds(-1) }));
        Should.Throw<ArgumentException>(() => FileStorage.Open(""));
    }

    [Fact]
    public async Task A_closed_storage_says_so()
    {
        FileStorage storage = FileStorage.Open(_folder.Path);
        IJournalWriter writer = await storage.CreateJournalAsync("j", default);
        await storage.DisposeAsync();
        await storage.DisposeAsync();
        await Should.ThrowAsync<ObjectDisposedException>(async () => await storage.ReadRecordAsync("r", default));
        await Should.ThrowAsync<ObjectDisposedException>(async () => await writer.AppendAsync(1, 1));
        await writer.DisposeAsync();
    }

    [Fact]
    public async Task The_next_segment_is_made_ahead()
    {
        await using FileStorage storage = FileStorage.Open(_folder.Path, new FileStorageOptions { SegmentSizeBytes = 64 << 10 });
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", default);
        await writer.AppendAsync(1, 1, bodyBytes: 40 << 10);
        await storage.DisposeAsync(); // waits for the background
        Directory.GetFiles(_folder["spare"]).Length.ShouldBe(1);
    }
}

using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Files.Tests;

public sealed class RunTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(65_535)]
    [InlineData(65_536)]
    [InlineData(65_537)]
    [InlineData(300_000)]
    public async Task Any_part_of_a_run_can_be_read(int size)
    {
        byte[] content = new byte[size];
        new Random(size).NextBytes(content);
        await using FileStorage storage = Open();
        await storage.WriteRunAsync("flights-3/4-17", content, default);
        foreach (long offset in new long[] { 0, 1, 65_535, 65_536, 65_537, 200_000, size - 1, size, size + 5, -1, -7, -70_000, -size, -size - 9 })
        {
            foreach (int length in new[] { 0, 1, 100, 65_536, 140_000, int.MaxValue })
            {
                long from = offset < 0 ? Math.Max(0, size + offset) : Math.Min(size, offset);
                byte[] expected = content[(int)from..(int)Math.Min(size, from + length)];
                ReadOnlyMemory<byte> part = await storage.ReadRunAsync("flights-3/4-17", offset, length, default);
                part.Span.SequenceEqual(expected).ShouldBeTrue($"{offset} {length}");
            }
        }
    }

    [Fact]
    public async Task Runs_are_overwritten_deleted_and_listed()
    {
        await using FileStorage storage = Open();
        string longName = "flights-3/" + new string('n', 500);
        foreach (string name in new[] { "flights-3/4-17", "flights-3/4-18", "flights-30/1-1", "Flüge/1", longName })
        {
            await storage.WriteRunAsync(name, new byte[1], default);
        }

        (await storage.ListRunsAsync("flights-3/", default)).ShouldBe(["flights-3/4-17", "flights-3/4-18", longName]);
        (await storage.ListRunsAsync("Fl", default)).ShouldBe(["Flüge/1"]);
        (await storage.ListRunsAsync("", default)).Count.ShouldBe(5);
        await storage.WriteRunAsync("flights-3/4-17", new byte[2], default);
        (await storage.ReadRunAsync("flights-3/4-17", 0, 10, default)).Length.ShouldBe(2);
        await storage.DeleteRunAsync("flights-3/4-17", default);
        await storage.DeleteRunAsync("flights-3/4-17", default);
        await storage.DeleteRunAsync(longName, default);
        (await storage.ListRunsAsync("flights-3/", default)).ShouldBe(["flights-3/4-18"]);
        CorruptDataException e = await Should.ThrowAsync<CorruptDataException>(async () => await storage.ReadRunAsync("flights-3/4-17", 0, 1, default));
        e.Message.ShouldContain("flights-3/4-17");
    }

    [Fact]
    public async Task Every_flipped_bit_and_every_truncation_is_reported()
    {
        await using FileStorage storage = Open();
        await storage.WriteRunAsync("r", "content"u8.ToArray(), default);
        string path = _folder["runs", "r"];
        byte[] whole = await File.ReadAllBytesAsync(path);
        for (int bit = 0; bit < whole.Length * 8; bit++)
        {
            byte[] flipped = [.. whole];
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            await File.WriteAllBytesAsync(path, flipped);
            (await Should.ThrowAsync<CorruptDataException>(async () => await storage.ReadRunAsync("r", 0, 100, default))).File.ShouldBe(path);
        }

        for (int length = 0; length < whole.Length; length++)
        {
            await File.WriteAllBytesAsync(path, whole.AsMemory(0, length));
            await Should.ThrowAsync<CorruptDataException>(async () => await storage.ReadRunAsync("r", 0, 100, default));
        }
    }

    [Fact]
    public async Task A_run_is_whole_or_not_there()
    {
        var files = new FaultyFileSystem();
        await using FileStorage storage = FileStorage.Open(_folder.Path, new FileStorageOptions { Files = files });
        files.FailNth(1, FaultyFileSystem.InputOutputError, operation => operation.Call == FileCall.Write, shortWriteBytes: 50);
        await Should.ThrowAsync<StorageException>(async () => await storage.WriteRunAsync("r", new byte[1000], default));
        (await storage.ListRunsAsync("", default)).ShouldBeEmpty();
        await storage.WriteRunAsync("r", new byte[1000], default);
        (await storage.ReadRunAsync("r", -1000, 1000, default)).Length.ShouldBe(1000);
    }

    private FileStorage Open() => FileStorage.Open(_folder.Path);
}

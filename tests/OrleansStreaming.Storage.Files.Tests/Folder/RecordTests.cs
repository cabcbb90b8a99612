using System.Text;
using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Files.Tests;

public sealed class RecordTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_record_changes_by_compare_and_swap()
    {
        string? second;
        await using (FileStorage storage = Open())
        {
            (await storage.ReadRecordAsync("partitions/flights-3", default)).ShouldBeNull();
            (await storage.SwapRecordAsync("partitions/flights-3", "1", Text("x"), default)).ShouldBeNull();
            string? first = await storage.SwapRecordAsync("partitions/flights-3", null, Text("one"), default);
            first.ShouldNotBeNull();
            (await storage.SwapRecordAsync("partitions/flights-3", null, Text("x"), default)).ShouldBeNull();
            second = await storage.SwapRecordAsync("partitions/flights-3", first, default, default);
            second.ShouldNotBeNull().ShouldNotBe(first);
            (await storage.SwapRecordAsync("partitions/flights-3", first, Text("x"), default)).ShouldBeNull();
        }

        await using FileStorage again = Open();
        StoredRecord record = (await again.ReadRecordAsync("partitions/flights-3", default))!;
        record.Tag.ShouldBe(second);
        record.Content.Length.ShouldBe(0);
        (await again.SwapRecordAsync("partitions/flights-3", second, Text("three"), default)).ShouldNotBeNull();
    }

    [Fact]
    public async Task Of_two_swaps_with_one_tag_one_wins()
    {
        await using FileStorage storage = Open();
        string? tag = null;
        for (int round = 0; round < 30; round++)
        {
            string?[] tags = await Task.WhenAll(Enumerable.Range(0, 4).Select(i => Task.Run(async () =>
                await storage.SwapRecordAsync("r", tag, Text($"{round} {i}"), default))));
            int winner = Array.FindIndex(tags, won => won is not null);
            tags.Count(won => won is not null).ShouldBe(1);
            tag = tags[winner];
            Encoding.UTF8.GetString((await storage.ReadRecordAsync("r", default))!.Content.Span).ShouldBe($"{round} {winner}");
        }
    }

    [Fact]
    public async Task Records_may_have_any_name()
    {
        string[] names = [.. FileNameTests.Names.Select(row => row.Data)];
        await using FileStorage storage = Open();
        foreach (string name in names)
        {
            (await storage.SwapRecordAsync(name, null, Text(name), default)).ShouldNotBeNull();
        }

        foreach (string name in names)
        {
            Encoding.UTF8.GetString((await storage.ReadRecordAsync(name, default))!.Content.Span).ShouldBe(name);
        }
    }

    [Fact]
    public async Task Every_flipped_bit_and_every_truncation_is_reported()
    {
        await using FileStorage storage = Open();
        await storage.SwapRecordAsync("r", null, Text("content"), default);
        string path = _folder["records", "r"];
        byte[] whole = await File.ReadAllBytesAsync(path);
        for (int bit = 0; bit < whole.Length * 8; bit++)
        {
            byte[] flipped = [.. whole];
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            await File.WriteAllBytesAsync(path, flipped);
            (await Should.ThrowAsync<CorruptDataException>(async () => await storage.ReadRecordAsync("r", default))).File.ShouldBe(path);
        }

        for (int length = 0; length < whole.Length; length++)
        {
            await File.WriteAllBytesAsync(path, whole.AsMemory(0, length));
            await Should.ThrowAsync<CorruptDataException>(async () => await storage.ReadRecordAsync("r", default));
        }
    }

    [Fact]
    public async Task A_failed_swap_changes_nothing()
    {
        var files = new FaultyFileSystem();
        await using FileStorage storage = FileStorage.Open(_folder.Path, new FileStorageOptions { Files = files });
        string? tag = await storage.SwapRecordAsync("r", null, Text("1"), default);
        foreach (FileCall call in new[] { FileCall.Create, FileCall.Write, FileCall.Flush, FileCall.Rename })
        {
            files.FailNth(1, FaultyFileSystem.InputOutputError, operation => operation.Call == call);
            (await Should.ThrowAsync<StorageException>(async () => await storage.SwapRecordAsync("r", tag, Text("2"), default))).Ambiguous.ShouldBeFalse();
            StoredRecord record = (await storage.ReadRecordAsync("r", default))!;
            record.Tag.ShouldBe(tag);
            Encoding.UTF8.GetString(record.Content.Span).ShouldBe("1");
        }

        Directory.GetFiles(_folder["tmp"]).ShouldBeEmpty();
        (await storage.SwapRecordAsync("r", tag, Text("2"), default)).ShouldNotBeNull();
    }

    private static byte[] Text(string text) => Encoding.UTF8.GetBytes(text);

    private FileStorage Open() => FileStorage.Open(_folder.Path);
}

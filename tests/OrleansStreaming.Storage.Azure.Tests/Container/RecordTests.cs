using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Azure.Tests;

public sealed class RecordTests(Azurite azurite) : BlobTest(azurite)
{
    [Fact]
    public async Task A_record_changes_by_compare_and_swap()
    {
        await using AzureBlobStorage storage = await OpenAsync();
        (await storage.ReadRecordAsync("partitions/a-0", Cancel)).ShouldBeNull();
        string first = (await storage.SwapRecordAsync("partitions/a-0", null, "one"u8.ToArray(), Cancel)).ShouldNotBeNull();
        (await storage.SwapRecordAsync("partitions/a-0", null, "other"u8.ToArray(), Cancel)).ShouldBeNull();
        string second = (await storage.SwapRecordAsync("partitions/a-0", first, "two"u8.ToArray(), Cancel)).ShouldNotBeNull();
        (await storage.SwapRecordAsync("partitions/a-0", first, "three"u8.ToArray(), Cancel)).ShouldBeNull();
        (await storage.SwapRecordAsync("partitions/none", first, "three"u8.ToArray(), Cancel)).ShouldBeNull();
        await using AzureBlobStorage other = await OpenAsync();
        StoredRecord read = (await other.ReadRecordAsync("partitions/a-0", Cancel)).ShouldNotBeNull();
        read.Tag.ShouldBe(second);
        read.Content.ToArray().ShouldBe("two"u8.ToArray());
        (await other.SwapRecordAsync("partitions/a-0", read.Tag, ReadOnlyMemory<byte>.Empty, Cancel)).ShouldNotBeNull();
        (await storage.ReadRecordAsync("partitions/a-0", Cancel))!.Content.Length.ShouldBe(0);
    }

    [Fact]
    public async Task A_version_is_named_as_the_service_names_it()
    {
        await using AzureBlobStorage storage = await OpenAsync();
        string? named = null;
        Faults.Decide = asked =>
        {
            named ??= asked.IfMatch;
            return Fault.None;
        };
        string tag = (await storage.SwapRecordAsync("r", null, "one"u8.ToArray(), Cancel))!;
        string version = (await Blobs.GetBlobClient(BlobNames.Record("r")).GetPropertiesAsync(cancellationToken: Cancel)).GetRawResponse().Headers.ETag!.Value.ToString("H");
        await storage.SwapRecordAsync("r", tag, "two"u8.ToArray(), Cancel);
        named.ShouldBe(version);
        version.ShouldStartWith("\"");
    }

    [Fact]
    public async Task Of_many_swaps_at_once_each_counts()
    {
        await using AzureBlobStorage one = await OpenAsync();
        await using AzureBlobStorage two = await OpenAsync();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async i =>
        {
            AzureBlobStorage storage = i % 2 == 0 ? one : two;
            for (int n = 0; n < 5;)
            {
                StoredRecord? record = await storage.ReadRecordAsync("counter", Cancel);
                byte[] next = [.. record?.Content.ToArray() ?? [], (byte)i];
                n += await storage.SwapRecordAsync("counter", record?.Tag, next, Cancel) is null ? 0 : 1;
            }
        }));
        byte[] all = (await one.ReadRecordAsync("counter", Cancel))!.Content.ToArray();
        all.Length.ShouldBe(40);
        all.GroupBy(b => b).ShouldAllBe(g => g.Count() == 5);
    }

    [Theory]
    [InlineData(Fault.LoseRequest)]
    [InlineData(Fault.LoseAnswer)]
    [InlineData(Fault.FailBefore)]
    [InlineData(Fault.FailAfter)]
    [InlineData(Fault.SendTwice)]
    [InlineData(Fault.NeverAnswer)]
    internal async Task A_write_whose_answer_is_not_clear_is_not_reported_as_lost(Fault fault)
    {
        await using AzureBlobStorage storage = await OpenAsync(o => o.RequestTimeout = TimeSpan.FromSeconds(1));
        Faults.Once(a => a.IsRecordWrite, fault);
        string first = (await storage.SwapRecordAsync("r", null, "one"u8.ToArray(), Cancel)).ShouldNotBeNull();
        Faults.Once(a => a.IsRecordWrite, fault);
        string second = (await storage.SwapRecordAsync("r", first, "two"u8.ToArray(), Cancel)).ShouldNotBeNull();
        StoredRecord read = (await storage.ReadRecordAsync("r", Cancel)).ShouldNotBeNull();
        read.Tag.ShouldBe(second);
        read.Content.ToArray().ShouldBe("two"u8.ToArray());
        (await storage.SwapRecordAsync("r", second, "three"u8.ToArray(), Cancel)).ShouldNotBeNull();
    }

    [Fact]
    public async Task A_write_that_landed_and_was_replaced_before_its_writer_knew_is_not_reported_as_lost()
    {
        await using AzureBlobStorage storage = await OpenAsync();
        await using AzureBlobStorage other = await OpenAsync(faults: new Faults());
        string first = (await storage.SwapRecordAsync("r", null, "one"u8.ToArray(), Cancel))!;
        int times = 1;
        Faults.After = async asked =>
        {
            if (asked.IsRecordWrite && Interlocked.Decrement(ref times) == 0)
            {
                StoredRecord landed = (await other.ReadRecordAsync("r", Cancel))!;
                (await other.SwapRecordAsync("r", landed.Tag, "theirs"u8.ToArray(), Cancel)).ShouldNotBeNull();
                throw new global::Azure.RequestFailedException("the connection was reset", new IOException("reset"));
            }
        };
        string tag = (await storage.SwapRecordAsync("r", first, "mine"u8.ToArray(), Cancel)).ShouldNotBeNull();
        (await storage.ReadRecordAsync("r", Cancel))!.Content.ToArray().ShouldBe("theirs"u8.ToArray());
        (await storage.SwapRecordAsync("r", tag, "again"u8.ToArray(), Cancel)).ShouldBeNull();
    }

    [Fact]
    public async Task A_write_that_was_beaten_after_it_got_lost_is_reported_as_lost()
    {
        await using AzureBlobStorage storage = await OpenAsync();
        await using AzureBlobStorage other = await OpenAsync(faults: new Faults());
        string first = (await storage.SwapRecordAsync("r", null, "one"u8.ToArray(), Cancel))!;
        int times = 1;
        Faults.Before = async asked =>
        {
            if (asked.IsRecordWrite && Interlocked.Decrement(ref times) == 0)
            {
                (await other.SwapRecordAsync("r", first, "theirs"u8.ToArray(), Cancel)).ShouldNotBeNull();
                throw new global::Azure.RequestFailedException("the connection was reset", new IOException("reset"));
            }
        };
        (await storage.SwapRecordAsync("r", first, "mine"u8.ToArray(), Cancel)).ShouldBeNull();
        (await storage.ReadRecordAsync("r", Cancel))!.Content.ToArray().ShouldBe("theirs"u8.ToArray());
    }
}

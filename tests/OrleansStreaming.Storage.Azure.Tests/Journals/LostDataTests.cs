using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;
using OrleansStreaming.Core;
using OrleansStreaming.Testing;

namespace OrleansStreaming.Storage.Azure.Tests;

/// <summary>A store that comes back with less than it had confirmed: that is reported, with name, expected and found length.</summary>
public sealed class LostDataTests(Azurite azurite) : BlobTest(azurite)
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public async Task A_writer_whose_blob_is_shorter_reports_it_and_so_does_who_seals(int blocksLeft)
    {
        await using AzureBlobStorage storage = await OpenAsync();
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", Cancel);
        await writer.AppendAsync(1, 5);
        long confirmed = await LengthAsync("journals/j/00000000");
        await CutAsync("journals/j/00000000", blocksLeft * (confirmed - BlobSegmentHeader.Size) / 5 is > 0 and long left ? BlobSegmentHeader.Size + left : 0);
        CorruptDataException lost = await Should.ThrowAsync<CorruptDataException>(async () => await writer.AppendAsync(6, 6));
        Check(lost, confirmed);
        await Should.ThrowAsync<StorageException>(async () => await writer.AppendAsync(6, 6));
        lost = await Should.ThrowAsync<CorruptDataException>(async () => await storage.SealJournalAsync("j", Cancel));
        Check(lost, confirmed);
        await Should.ThrowAsync<CorruptDataException>(async () => await storage.SealJournalAsync("j", Cancel));

        void Check(CorruptDataException e, long expected)
        {
            e.File.ShouldBe($"{Container}/journals/j/00000000");
            e.Position.ShouldBeLessThan(expected);
            e.Message.ShouldContain($"{expected} bytes");
            e.Message.ShouldContain($"found {e.Position}");
        }
    }

    [Fact]
    public async Task Another_process_sees_by_a_record_that_a_journal_is_shorter_than_it_was()
    {
        await using (AzureBlobStorage storage = await OpenAsync(o => o.SegmentBlocks = 4))
        {
            IJournalWriter writer = await storage.CreateJournalAsync("silo0-1", Cancel);
            IJournalWriter next = await storage.CreateJournalAsync("silo1-1", Cancel);
            await writer.AppendAsync(1, 6);
            await next.AppendAsync(1, 2);
            await storage.SwapRecordAsync("partitions/p-0", null, "manifest"u8.ToArray(), Cancel);
            await next.AppendAsync(3, 3);
        }

        await CutAsync("journals/silo0-1/00000001", 0);
        long before = await LengthAsync("journals/silo1-1/00000000");
        await CutAsync("journals/silo1-1/00000000", BlobSegmentHeader.Size + ((before - BlobSegmentHeader.Size) * 2 / 3));
        await using AzureBlobStorage other = await OpenAsync();
        CorruptDataException lost = await Should.ThrowAsync<CorruptDataException>(async () => await other.SealJournalAsync("silo0-1", Cancel));
        lost.File.ShouldBe($"{Container}/journals/silo0-1/00000001");
        lost.Position.ShouldBe(0);
        lost.Message.ShouldContain("LSN 6");

        // What came behind the record that was written last, nothing proves.
        (await other.SealJournalAsync("silo1-1", Cancel)).ShouldBe(2);
    }

    [Fact]
    public async Task The_next_segment_tells_that_one_is_shorter_than_it_was()
    {
        await using AzureBlobStorage storage = await OpenAsync(o => o.SegmentBlocks = 4);
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", Cancel);
        await writer.AppendAsync(1, 10);
        long length = await LengthAsync("journals/j/00000001");
        await CutAsync("journals/j/00000001", length - 72);
        await using AzureBlobStorage other = await OpenAsync();
        foreach (Func<Task> call in new Func<Task>[] { async () => await other.SealJournalAsync("j", Cancel), async () => await other.ReadAllAsync("j", from: 6) })
        {
            CorruptDataException lost = await Should.ThrowAsync<CorruptDataException>(call);
            lost.File.ShouldBe($"{Container}/journals/j/00000001");
            lost.Position.ShouldBe(length - 72);
            lost.Message.ShouldContain($"{length} bytes");
        }
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(2, 1)] // Behind the last there is nothing to tell which is missing.
    public async Task A_segment_that_is_gone_is_reported(int index, int told)
    {
        await using AzureBlobStorage storage = await OpenAsync(o => o.SegmentBlocks = 4);
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", Cancel);
        await writer.AppendAsync(1, 10);
        await using AzureBlobStorage sealer = await OpenAsync();
        (await sealer.SealJournalAsync("j", Cancel)).ShouldBe(10);
        await Blobs.DeleteBlobAsync($"journals/j/{index:x8}", cancellationToken: Cancel);
        await using AzureBlobStorage other = await OpenAsync();
        (await Should.ThrowAsync<CorruptDataException>(async () => await other.ReadAllAsync("j"))).File.ShouldContain($"journals/j/{told:x8}");
        (await Should.ThrowAsync<CorruptDataException>(async () => await sealer.ReadAllAsync("j"))).File.ShouldContain($"journals/j/{told:x8}");
    }

    [Fact]
    public async Task Damage_is_reported_with_its_place()
    {
        await using AzureBlobStorage storage = await OpenAsync();
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", Cancel);
        await writer.AppendAsync(1, 3, bodyBytes: 4);
        byte[] whole = await BytesAsync("journals/j/00000000");
        for (int at = 0; at < whole.Length; at++)
        {
            byte[] flipped = [.. whole];
            flipped[at] ^= 0x10;
            await WriteAsync("journals/j/00000000", flipped);
            await using AzureBlobStorage other = await OpenAsync();
            CorruptDataException damage = await Should.ThrowAsync<CorruptDataException>(async () => await other.ReadAllAsync("j"), $"byte {at}");
            damage.File.ShouldBe($"{Container}/journals/j/00000000");
            damage.Position.ShouldBeLessThanOrEqualTo(at);
        }
    }

    /// <summary>The emulator loses what it has confirmed when it is killed: whoever was told so reports it.</summary>
    [Fact]
    public async Task An_emulator_that_was_killed_is_found_to_have_lost_what_it_confirmed()
    {
        Assert.SkipWhen(AzuriteServer.Unavailable is not null, AzuriteServer.Unavailable ?? "");
        string folder = Directory.CreateTempSubdirectory("azurite-killed-").FullName;
        await using (AzuriteServer server = await AzuriteServer.StartAsync(folder, Cancel))
        {
            await using AzureBlobStorage storage = await AzureBlobStorage.OpenAsync(server.ConnectionString, cancellationToken: Cancel);
            await using IJournalWriter writer = await storage.CreateJournalAsync("j", Cancel);
            await server.StopAsync(); // Keeps all.
            await server.StartAgainAsync();
            await writer.AppendAsync(1, 200);
            await server.KillAsync();
            await server.StartAgainAsync();
            CorruptDataException lost = await Should.ThrowAsync<CorruptDataException>(async () => await writer.AppendAsync(201, 201));
            lost.Message.ShouldContain("which were confirmed");
            await Should.ThrowAsync<CorruptDataException>(async () => await storage.SealJournalAsync("j", Cancel));
        }

        Directory.Delete(folder, recursive: true);
    }

    private async Task<long> LengthAsync(string blob) => (await BytesAsync(blob)).Length;

    private async Task CutAsync(string blob, long length) => await WriteAsync(blob, (await BytesAsync(blob))[..(int)length]);

    /// <summary>Puts other content into an append blob, with the metadata that it had.</summary>
    private async Task WriteAsync(string blob, byte[] content)
    {
        AppendBlobClient client = Blobs.GetAppendBlobClient(blob);
        BlobProperties had = await client.GetPropertiesAsync(cancellationToken: Cancel);
        await client.CreateAsync(new AppendBlobCreateOptions { Metadata = had.Metadata }, Cancel);
        if (content.Length > 0)
        {
            await client.AppendBlockAsync(new MemoryStream(content), cancellationToken: Cancel);
        }
    }
}

using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Azure.Tests;

public sealed class FencingTests(Azurite azurite) : BlobTest(azurite)
{
    [Fact]
    public async Task A_sealed_journal_ends_once_and_for_all()
    {
        await using AzureBlobStorage storage = await OpenAsync();
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", Cancel);
        await writer.AppendAsync(1, 5);
        await using AzureBlobStorage other = await OpenAsync();
        (await other.SealJournalAsync("j", Cancel)).ShouldBe(5);
        await Should.ThrowAsync<JournalFencedException>(async () => await writer.AppendAsync(6, 6));
        await Should.ThrowAsync<JournalFencedException>(async () => await writer.AppendAsync(6, 6));
        (await other.SealJournalAsync("j", Cancel)).ShouldBe(5);
        (await storage.SealJournalAsync("j", Cancel)).ShouldBe(5);
        (await storage.ReadAllAsync("j")).ShouldBe(TestFrames.Lsns(1, 5));
        await using AzureBlobStorage third = await OpenAsync();
        (await third.SealJournalAsync("j", Cancel)).ShouldBe(5);
    }

    [Fact]
    public async Task A_journal_that_was_never_created_ends_at_0_and_cannot_be_created()
    {
        await using AzureBlobStorage storage = await OpenAsync();
        (await storage.SealJournalAsync("j", Cancel)).ShouldBe(0);
        await Should.ThrowAsync<StorageException>(async () => await storage.CreateJournalAsync("j", Cancel));
        await using AzureBlobStorage other = await OpenAsync();
        (await other.SealJournalAsync("j", Cancel)).ShouldBe(0);
        await storage.TrimJournalAsync("j", long.MaxValue, Cancel);
        (await other.ReadFramesAsync("j", 1, long.MaxValue, 1 << 20, Cancel)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_writer_that_is_about_to_go_on_in_the_next_blob_cannot()
    {
        await using AzureBlobStorage storage = await OpenAsync(o => o.SegmentBlocks = 4);
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", Cancel);
        await writer.AppendAsync(1, 4); // The next blob is there, and empty.
        await using AzureBlobStorage other = await OpenAsync();
        (await other.SealJournalAsync("j", Cancel)).ShouldBe(4);
        await Should.ThrowAsync<JournalFencedException>(async () => await writer.AppendAsync(5, 5));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_writer_that_was_paused_confirms_nothing_behind_the_end(bool trimmed)
    {
        var paused = new Faults();
        await using AzureBlobStorage storage = await OpenAsync(o => o.SegmentBlocks = 4, paused);
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", Cancel);
        await writer.AppendAsync(1, 2);
        using var pause = new Pause(asked => asked.IsAppend || asked.IsCreateSegment);
        paused.Before = pause.BeforeAsync;
        Task append = writer.AppendAsync(3, 8);
        await pause.Reached;
        await using AzureBlobStorage other = await OpenAsync();
        (await other.SealJournalAsync("j", Cancel)).ShouldBe(2);
        if (trimmed)
        {
            await other.TrimJournalAsync("j", long.MaxValue, Cancel);
        }

        pause.Release();
        await Should.ThrowAsync<JournalFencedException>(append);
        if (!trimmed)
        {
            (await other.ReadAllAsync("j")).ShouldBe([1, 2]);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_writer_that_was_paused_before_it_made_the_next_blob_cannot_go_on_when_the_journal_is_gone(bool ahead)
    {
        var paused = new Faults();
        await using AzureBlobStorage storage = await OpenAsync(o => o.SegmentBlocks = 4, paused);
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", Cancel);
        await writer.AppendAsync(1, 2);
        using var pause = new Pause(asked => asked.IsCreateSegment);
        paused.Before = pause.BeforeAsync;
        await writer.AppendAsync(3, 4);
        await pause.Reached;
        Task append = ahead ? writer.AppendAsync(5, 8) : Task.CompletedTask;
        await using AzureBlobStorage other = await OpenAsync();
        (await other.SealJournalAsync("j", Cancel)).ShouldBe(4);
        await other.TrimJournalAsync("j", long.MaxValue, Cancel);
        pause.Release();
        await Should.ThrowAsync<JournalFencedException>(ahead ? append : writer.AppendAsync(5, 5));
        await Should.ThrowAsync<JournalFencedException>(async () => await writer.AppendAsync(5, 5));
    }

    [Fact]
    public async Task Whatever_a_writer_confirms_while_others_seal_is_before_the_end()
    {
        for (int round = 0; round < 12; round++)
        {
            string journal = $"j{round}";
            await using AzureBlobStorage storage = await OpenAsync(o => o.SegmentBlocks = 3);
            await using IJournalWriter writer = await storage.CreateJournalAsync(journal, Cancel);
            await writer.AppendAsync(1, round);
            long confirmed = round;
            Task writing = Task.Run(async () =>
            {
                while (true)
                {
                    await writer.AppendAsync(confirmed + 1, confirmed + 1);
                    confirmed++;
                }
            });
            await using AzureBlobStorage one = await OpenAsync();
            await using AzureBlobStorage two = await OpenAsync();
            long[] ends = await Task.WhenAll(one.SealJournalAsync(journal, Cancel).AsTask(), two.SealJournalAsync(journal, Cancel).AsTask(), storage.SealJournalAsync(journal, Cancel).AsTask());
            await Should.ThrowAsync<JournalFencedException>(writing);
            ends.ShouldAllBe(end => end == ends[0]);
            ends[0].ShouldBeGreaterThanOrEqualTo(confirmed);
            ends[0].ShouldBeLessThanOrEqualTo(confirmed + 1);
            (await one.ReadAllAsync(journal)).ShouldBe(TestFrames.Lsns(1, ends[0]));
            (await storage.ReadAllAsync(journal)).ShouldBe(TestFrames.Lsns(1, ends[0]));
        }
    }
}

using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Azure.Tests;

public sealed class TrimTests(Azurite azurite) : BlobTest(azurite)
{
    [Fact]
    public async Task Whole_blobs_below_are_deleted_and_reads_begin_behind()
    {
        await using AzureBlobStorage storage = await OpenAsync(o => o.SegmentBlocks = 4);
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", Cancel);
        await writer.AppendAsync(1, 18);
        await using AzureBlobStorage other = await OpenAsync();
        (await other.ReadAllAsync("j")).ShouldBe(TestFrames.Lsns(1, 18));
        await storage.TrimJournalAsync("j", 11, Cancel);
        (await storage.ReadAllAsync("j")).ShouldBe(TestFrames.Lsns(9, 18));
        (await other.ReadAllAsync("j")).ShouldBe(TestFrames.Lsns(9, 18));
        await other.TrimJournalAsync("j", 14, Cancel);
        await other.TrimJournalAsync("j", 3, Cancel);
        (await storage.ReadAllAsync("j")).ShouldBe(TestFrames.Lsns(13, 18)); // Its list is old: it finds the blob gone.
        await storage.TrimJournalAsync("j", 10, Cancel);
        await using AzureBlobStorage third = await OpenAsync();
        (await third.SealJournalAsync("j", Cancel)).ShouldBe(18);
        (await third.ReadAllAsync("j")).ShouldBe(TestFrames.Lsns(13, 18));
        await writer.DisposeAsync();
    }

    [Fact]
    public async Task Trimming_that_finds_nothing_costs_no_request()
    {
        await using AzureBlobStorage storage = await OpenAsync(o => o.SegmentBlocks = 4);
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", Cancel);
        await writer.AppendAsync(1, 10);
        await storage.TrimJournalAsync("j", 7, Cancel);
        int before = Faults.Requests;
        for (long below = 1; below <= 8; below++)
        {
            await storage.TrimJournalAsync("j", below, Cancel);
        }

        Faults.Requests.ShouldBe(before);
        await using AzureBlobStorage other = await OpenAsync();
        await other.SealJournalAsync("j", Cancel);
        await other.TrimJournalAsync("j", 8, Cancel);
        before = Faults.Requests;
        await other.TrimJournalAsync("j", 8, Cancel);
        Faults.Requests.ShouldBe(before);
    }

    [Fact]
    public async Task A_deleted_journal_has_no_frames_and_leaves_its_fence()
    {
        await using AzureBlobStorage storage = await OpenAsync(o => o.SegmentBlocks = 4);
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", Cancel);
        await writer.AppendAsync(1, 10);
        await storage.TrimJournalAsync("j", long.MaxValue, Cancel); // Not sealed: its last blob stays.
        (await storage.ReadAllAsync("j")).ShouldBe([9, 10]);
        (await storage.SealJournalAsync("j", Cancel)).ShouldBe(10);
        await using AzureBlobStorage other = await OpenAsync();
        await other.TrimJournalAsync("j", long.MaxValue, Cancel);
        (await NamesAsync("journals/j/")).Count.ShouldBe(1);
        foreach (AzureBlobStorage any in new[] { other, storage, await OpenAsync() })
        {
            (await any.ReadFramesAsync("j", 1, long.MaxValue, 1 << 20, Cancel)).ShouldBeEmpty();
            await any.TrimJournalAsync("j", long.MaxValue, Cancel);
            await any.DisposeAsync();
        }
    }

    [Fact]
    public async Task What_a_deletion_left_that_ended_in_the_middle_is_no_damage_and_goes_with_the_next()
    {
        await using AzureBlobStorage storage = await OpenAsync(o => (o.SegmentBlocks, o.RetryFor) = (4, TimeSpan.Zero));
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", Cancel);
        await writer.AppendAsync(1, 14);
        await storage.SealJournalAsync("j", Cancel);
        int deletes = 0;
        Faults.Decide = asked => asked.Method == "DELETE" && Interlocked.Increment(ref deletes) >= 2 ? Fault.LoseRequest : Fault.None;
        await Should.ThrowAsync<StorageException>(async () => await storage.TrimJournalAsync("j", long.MaxValue, Cancel));
        Faults.Decide = _ => Fault.None;
        (await NamesAsync("journals/j/")).Count.ShouldBeGreaterThan(1);
        await using AzureBlobStorage other = await OpenAsync();
        (await other.ReadFramesAsync("j", 1, long.MaxValue, 1 << 20, Cancel)).ShouldBeEmpty();
        await other.TrimJournalAsync("j", long.MaxValue, Cancel);
        (await NamesAsync("journals/j/")).Count.ShouldBe(1);
    }
}

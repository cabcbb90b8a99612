using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Azure.Tests;

public sealed class JournalTests(Azurite azurite) : BlobTest(azurite)
{
    [Fact]
    public async Task What_was_appended_is_read()
    {
        await using AzureBlobStorage storage = await OpenAsync();
        await using IJournalWriter writer = await storage.CreateJournalAsync("silo0-1", Cancel);
        await writer.AppendAsync([], Cancel);
        await writer.AppendAsync(1, 3);
        await writer.AppendTogetherAsync(4, 10, bodyBytes: 0);
        (await storage.ReadAllAsync("silo0-1")).ShouldBe(TestFrames.Lsns(1, 10));
        (await storage.ReadFramesAsync("silo0-1", 3, 5, 1 << 20, Cancel)).Select(frame => frame.Lsn).ShouldBe([3, 4, 5]);
        (await storage.ReadFramesAsync("silo0-1", 11, 20, 1 << 20, Cancel)).ShouldBeEmpty();
        (await storage.ReadFramesAsync("silo0-1", 5, 4, 1 << 20, Cancel)).ShouldBeEmpty();
        (await storage.ReadFramesAsync("other", 1, 5, 1 << 20, Cancel)).ShouldBeEmpty();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(300)]
    [InlineData(5000)]
    [InlineData(int.MaxValue)]
    public async Task Reads_have_a_limit_but_return_a_frame_at_least(int maxBytes)
    {
        await using AzureBlobStorage storage = await OpenAsync(o => o.SegmentSizeBytes = 4096);
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", Cancel);
        for (long lsn = 1; lsn <= 60; lsn++)
        {
            await writer.AppendAsync(lsn, lsn, bodyBytes: (int)(lsn * 37 % 500));
        }

        await writer.AppendAsync(61, 61, bodyBytes: 20_000); // Longer than a segment.
        await writer.AppendAsync(62, 70);
        IReadOnlyList<StoredFrame> first = await storage.ReadFramesAsync("j", 1, long.MaxValue, maxBytes, Cancel);
        first.Count.ShouldBeGreaterThan(0);
        if (first.Count > 1)
        {
            first.Sum(frame => (long)frame.Bytes.Length).ShouldBeLessThanOrEqualTo(maxBytes);
        }

        (await storage.ReadAllAsync("j", maxBytes: maxBytes)).ShouldBe(TestFrames.Lsns(1, 70));
        for (long lsn = 70; lsn >= 1; lsn--)
        {
            (await storage.ReadFramesAsync("j", lsn, lsn, maxBytes, Cancel)).Select(frame => frame.Lsn).ShouldBe([lsn]);
        }

        await using AzureBlobStorage again = await OpenAsync();
        (await again.ReadAllAsync("j", maxBytes: maxBytes)).ShouldBe(TestFrames.Lsns(1, 70));
        (await again.SealJournalAsync("j", Cancel)).ShouldBe(70);
        (await again.ReadAllAsync("j", maxBytes: maxBytes)).ShouldBe(TestFrames.Lsns(1, 70));
    }

    [Fact]
    public async Task Frames_longer_than_a_block_take_several()
    {
        await using AzureBlobStorage storage = await OpenAsync();
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", Cancel);
        await writer.AppendAsync(1, 1);
        await writer.AppendAsync(2, 2, bodyBytes: 9 << 20);
        await writer.AppendTogetherAsync(3, 7, bodyBytes: 3 << 20);
        await writer.AppendAsync(8, 9);
        await using AzureBlobStorage again = await OpenAsync();
        (await again.SealJournalAsync("j", Cancel)).ShouldBe(9);
        (await again.ReadAllAsync("j")).ShouldBe(TestFrames.Lsns(1, 9));
        (await storage.ReadAllAsync("j")).ShouldBe(TestFrames.Lsns(1, 9));
    }

    [Fact]
    public async Task A_journal_goes_on_in_another_blob_after_so_many_appends()
    {
        await using AzureBlobStorage storage = await OpenAsync(o => o.SegmentBlocks = 4);
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", Cancel);
        await writer.AppendAsync(1, 30);
        (await NamesAsync("journals/j/")).Count.ShouldBe(8);
        (await storage.ReadAllAsync("j")).ShouldBe(TestFrames.Lsns(1, 30));
        await using AzureBlobStorage again = await OpenAsync();
        (await again.SealJournalAsync("j", Cancel)).ShouldBe(30);
        (await again.ReadAllAsync("j", from: 17)).ShouldBe(TestFrames.Lsns(17, 30));
    }

    [Fact]
    public async Task A_journal_is_created_once_also_when_it_is_gone()
    {
        await using AzureBlobStorage storage = await OpenAsync();
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", Cancel);
        await using AzureBlobStorage again = await OpenAsync();
        (await Should.ThrowAsync<StorageException>(async () => await storage.CreateJournalAsync("j", Cancel))).Message.ShouldContain("exists");
        await Should.ThrowAsync<StorageException>(async () => await again.CreateJournalAsync("j", Cancel));
        await writer.AppendAsync(1, 3);
        await again.SealJournalAsync("j", Cancel);
        await again.TrimJournalAsync("j", long.MaxValue, Cancel);
        await using AzureBlobStorage third = await OpenAsync();
        await Should.ThrowAsync<StorageException>(async () => await third.CreateJournalAsync("j", Cancel));
    }

    [Fact]
    public async Task Wrong_frames_are_refused_before_anything_is_written()
    {
        await using AzureBlobStorage storage = await OpenAsync();
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", Cancel);
        await Should.ThrowAsync<ArgumentException>(async () => await writer.AppendAsync(2, 2));
        await Should.ThrowAsync<ArgumentException>(async () => await writer.AppendAsync([TestFrames.Frame(1), TestFrames.Frame(3)], Cancel));
        await Should.ThrowAsync<ArgumentException>(async () => await writer.AppendAsync([TestFrames.Frame(1) with { Length = 47 }], Cancel));
        await writer.AppendAsync(1, 2);
        (await storage.ReadAllAsync("j")).ShouldBe([1, 2]);
    }

    [Fact]
    public async Task Reading_from_an_lsn_and_sealing_do_not_read_what_lies_before()
    {
        const int Body = 30_000;
        await using AzureBlobStorage storage = await OpenAsync();
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", Cancel);
        for (long lsn = 1; lsn <= 900; lsn += 100)
        {
            await writer.AppendTogetherAsync(lsn, lsn + 99, Body);
        }

        await using AzureBlobStorage again = await OpenAsync();
        (await again.SealJournalAsync("j", Cancel)).ShouldBe(900);
        again.GetRequestCounts()[RequestKind.Read].ShouldBeLessThanOrEqualTo(4); // Of 27 MB: the header, the tail, the fence.
        (await again.ReadFramesAsync("j", 555, 560, 1 << 20, Cancel)).Select(f => f.Lsn).ShouldBe(TestFrames.Lsns(555, 560));
        again.GetRequestCounts()[RequestKind.Read].ShouldBeLessThanOrEqualTo(15);
        long before = again.GetRequestCounts()[RequestKind.Read];
        (await again.ReadAllAsync("j", from: 561)).ShouldBe(TestFrames.Lsns(561, 900));
        (again.GetRequestCounts()[RequestKind.Read] - before).ShouldBeLessThanOrEqualTo(24); // 10 MB by 1 MiB, and frames across two reads.
    }

    [Fact]
    public async Task Blobs_begin_as_the_page_of_formats_says()
    {
        await using AzureBlobStorage storage = await OpenAsync(o => o.SegmentBlocks = 2);
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", Cancel);
        await writer.AppendAsync(1, 3);
        await storage.SwapRecordAsync("r", null, "content"u8.ToArray(), Cancel);
        await storage.WriteRunAsync("n", "content"u8.ToArray(), Cancel);
        await storage.SealJournalAsync("j", Cancel);
        byte[] first = await BytesAsync("journals/j/00000000"), second = await BytesAsync("journals/j/00000001"), fence = await BytesAsync("journals/j/00000002");
        first[..4].ShouldBe("OSJB"u8.ToArray());
        first[64..72].ShouldBe(first[16..24]); // The prefix repeats the segment's id.
        first[88..92].ShouldBe("OSJF"u8.ToArray());
        BitConverter.ToInt32(second, 8).ShouldBe(1);
        BitConverter.ToInt64(second, 32).ShouldBe(3);
        BitConverter.ToInt64(second, 40).ShouldBe(first.Length);
        fence.Length.ShouldBe(20);
        BitConverter.ToInt64(fence, 8).ShouldBe(3);
        (await BytesAsync("records/r.rec"))[..4].ShouldBe("OSRC"u8.ToArray());
        byte[] run = await BytesAsync("runs/n.run");
        run[..4].ShouldBe("OSRN"u8.ToArray());
        run[33..40].ShouldBe("content"u8.ToArray());
        run.Length.ShouldBe(44); // And the sum of the block.
    }
}

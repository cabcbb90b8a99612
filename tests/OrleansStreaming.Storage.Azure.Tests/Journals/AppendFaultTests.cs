using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Azure.Tests;

/// <summary>Requests without a clear answer: what they have done is found out.</summary>
public sealed class AppendFaultTests(Azurite azurite) : BlobTest(azurite)
{
    public static TheoryData<string> Disturbances =>
        [.. new[] { Fault.LoseRequest, Fault.LoseAnswer, Fault.FailBefore, Fault.FailAfter, Fault.SendTwice, Fault.NeverAnswer }.Select(f => f.ToString())];

    [Theory]
    [MemberData(nameof(Disturbances))]
    public async Task An_append_takes_effect_once_whatever_becomes_of_its_requests(string fault)
    {
        await using AzureBlobStorage storage = await OpenAsync(o => (o.SegmentBlocks, o.RequestTimeout) = (5, TimeSpan.FromSeconds(1)));
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", Cancel);
        int requests = 0;
        Fault disturbed = Enum.Parse<Fault>(fault);

        // Also the first of a blob, which has its header, and those that make blobs.
        Faults.Decide = asked => (asked.IsAppend || asked.IsCreateSegment) && Interlocked.Increment(ref requests) % (disturbed == Fault.NeverAnswer ? 4 : 2) == 0 ? disturbed : Fault.None;
        for (long lsn = 1; lsn <= 18; lsn += 3)
        {
            await writer.AppendTogetherAsync(lsn, lsn + 2, bodyBytes: 300);
        }

        await writer.AppendAsync(19, 19, bodyBytes: 9 << 20);
        Faults.Decide = _ => Fault.None;
        (await storage.ReadAllAsync("j")).ShouldBe(TestFrames.Lsns(1, 19));
        await using AzureBlobStorage other = await OpenAsync();
        (await other.SealJournalAsync("j", Cancel)).ShouldBe(19);
        (await other.ReadAllAsync("j")).ShouldBe(TestFrames.Lsns(1, 19));
    }

    [Theory]
    [MemberData(nameof(Disturbances))]
    public async Task Creating_sealing_and_trimming_end_well_whatever_becomes_of_their_requests(string fault)
    {
        Fault disturbed = Enum.Parse<Fault>(fault);
        await using AzureBlobStorage storage = await OpenAsync(o => (o.SegmentBlocks, o.RequestTimeout) = (3, TimeSpan.FromMilliseconds(300)));
        int requests = 0;
        Faults.Decide = asked => asked.Method is "PUT" or "DELETE" && Interlocked.Increment(ref requests) % 2 == 1 ? disturbed : Fault.None;
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", Cancel);
        await writer.AppendAsync(1, 8);
        await storage.TrimJournalAsync("j", 5, Cancel);
        (await storage.ReadAllAsync("j")).ShouldBe(TestFrames.Lsns(4, 8));
        await using AzureBlobStorage other = await OpenAsync(o => o.RequestTimeout = TimeSpan.FromMilliseconds(300));
        (await other.SealJournalAsync("j", Cancel)).ShouldBe(8);
        (await other.ReadAllAsync("j")).ShouldBe(TestFrames.Lsns(4, 8));
        await Should.ThrowAsync<JournalFencedException>(async () => await writer.AppendAsync(9, 9));
        await other.TrimJournalAsync("j", long.MaxValue, Cancel);
        (await NamesAsync("journals/j/")).Count.ShouldBe(1); // The fence.
    }

    [Fact]
    public async Task A_request_that_arrives_late_a_second_time_changes_nothing()
    {
        await using AzureBlobStorage storage = await OpenAsync();
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", Cancel);
        await writer.AppendAsync(1, 2);
        using var late = new Pause(asked => asked.IsAppend);
        Task? held = null;
        Faults.Before = asked => asked.IsAppend && held is null ? (held = late.BeforeAsync(asked)) : Task.CompletedTask;
        await using AzureBlobStorage _ = await OpenAsync();
        Task append = writer.AppendAsync([TestFrames.Frame(3)], Cancel).AsTask();
        await late.Reached;
        (await NamesAsync("journals/j/")).Count.ShouldBe(1);
        late.Release();
        await append;
        await writer.AppendAsync(4, 5);
        (await storage.ReadAllAsync("j")).ShouldBe(TestFrames.Lsns(1, 5));
    }

    [Fact]
    public async Task Without_space_nothing_remains_and_the_append_can_be_repeated()
    {
        await using AzureBlobStorage storage = await OpenAsync(o => o.SegmentBlocks = 3);
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", Cancel);
        for (long lsn = 1; lsn <= 9; lsn++)
        {
            Faults.Once(asked => asked.IsAppend, Fault.Full, times: 2);
            await Should.ThrowAsync<StorageFullException>(async () => await writer.AppendAsync(lsn, lsn));
            await Should.ThrowAsync<StorageFullException>(async () => await writer.AppendAsync(lsn, lsn));
            await writer.AppendAsync(lsn, lsn);
        }

        (await storage.ReadAllAsync("j")).ShouldBe(TestFrames.Lsns(1, 9));
        await using AzureBlobStorage other = await OpenAsync();
        (await other.SealJournalAsync("j", Cancel)).ShouldBe(9);
    }

    [Fact]
    public async Task A_long_append_that_ends_in_the_middle_leaves_whole_frames_and_no_writer()
    {
        await using AzureBlobStorage storage = await OpenAsync();
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", Cancel);
        await writer.AppendAsync(1, 1);
        int blocks = 0;
        Faults.Decide = asked => asked.IsAppend && Interlocked.Increment(ref blocks) == 3 ? Fault.Full : Fault.None;
        StorageException failure = await Should.ThrowAsync<StorageException>(async () => await writer.AppendTogetherAsync(2, 6, bodyBytes: 3 << 20));
        failure.ShouldNotBeOfType<StorageFullException>();
        failure.Ambiguous.ShouldBeTrue();
        await Should.ThrowAsync<StorageException>(async () => await writer.AppendAsync(2, 2));
        await using AzureBlobStorage other = await OpenAsync();
        (await other.SealJournalAsync("j", Cancel)).ShouldBe(3); // Two blocks of 4 MiB hold two frames of 3 MiB, and a part.
        (await other.ReadAllAsync("j")).ShouldBe([1, 2, 3]);
        (await storage.SealJournalAsync("j", Cancel)).ShouldBe(3);
        (await storage.ReadAllAsync("j")).ShouldBe([1, 2, 3]);
    }

    [Fact]
    public async Task A_store_that_does_not_answer_ends_the_writer_and_sealing_tells_what_is_there()
    {
        await using AzureBlobStorage storage = await OpenAsync(o => (o.RequestTimeout, o.RetryFor) = (TimeSpan.FromMilliseconds(300), TimeSpan.FromSeconds(1)));
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", Cancel);
        await writer.AppendAsync(1, 3);
        int left = 1;
        Faults.Decide = asked => Interlocked.Decrement(ref left) == 0 ? Fault.NeverAnswer : Fault.LoseRequest;
        StorageException failure = await Should.ThrowAsync<StorageException>(async () => await writer.AppendAsync(4, 4));
        failure.Ambiguous.ShouldBeTrue();
        Faults.Decide = _ => Fault.None;
        await Should.ThrowAsync<StorageException>(async () => await writer.AppendAsync(4, 4));
        (await storage.SealJournalAsync("j", Cancel)).ShouldBe(4);
    }

    [Fact]
    public async Task An_append_that_is_given_up_ends_the_writer()
    {
        await using AzureBlobStorage storage = await OpenAsync();
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", Cancel);
        await writer.AppendAsync(1, 1);
        using var pause = new Pause(asked => asked.IsAppend);
        Faults.Before = pause.BeforeAsync;
        using var cancel = new CancellationTokenSource();
        Task append = writer.AppendAsync([TestFrames.Frame(2)], cancel.Token).AsTask();
        await pause.Reached;
        await cancel.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(append);
        await Should.ThrowAsync<StorageException>(async () => await writer.AppendAsync(2, 2));
        (await storage.SealJournalAsync("j", Cancel)).ShouldBeInRange(1, 2);
    }

    [Fact]
    public async Task Disposal_ends_what_is_tried_again_and_waits_for_what_is_on_its_way()
    {
        AzureBlobStorage storage = await OpenAsync(o => o.RetryFor = TimeSpan.FromMinutes(5));
        IJournalWriter writer = await storage.CreateJournalAsync("j", Cancel);
        var reached = new TaskCompletionSource();
        Faults.Decide = asked =>
        {
            reached.TrySetResult();
            return Fault.LoseRequest;
        };
        Task append = writer.AppendAsync(1, 1);
        Task<StoredRecord?> read = storage.ReadRecordAsync("r", Cancel).AsTask();
        Task<string?> swap = storage.SwapRecordAsync("r", null, new byte[1], Cancel).AsTask();
        await reached.Task;
        await storage.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20), Cancel);
        await Should.ThrowAsync<ObjectDisposedException>(append);
        await Should.ThrowAsync<ObjectDisposedException>(read);
        await Should.ThrowAsync<ObjectDisposedException>(swap);
    }
}

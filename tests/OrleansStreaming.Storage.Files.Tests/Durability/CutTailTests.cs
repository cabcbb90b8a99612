using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Files.Tests;

public sealed class CutTailTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_cut_loses_unconfirmed_frames_and_no_others()
    {
        var ends = new HashSet<long>();
        for (int seed = 0; seed < 60; seed++)
        {
            string journal = $"j{seed}";
            var time = new ManualTime();
            var options = new FileStorageOptions { SegmentSizeBytes = 4096, Files = LyingFileSystem.WithoutFlushes(), TimeProvider = time };
            await using FileStorage storage = FileStorage.Open(_folder.Path, options);
            await using IJournalWriter writer = await storage.CreateJournalAsync(journal, default);
            await writer.AppendAsync(1, 5, bodyBytes: 300);
            options.FlushDelay = TimeSpan.FromSeconds(1);
            Task append = writer.AppendTogetherAsync(6, 9, bodyBytes: 300).AsTask();
            (_, Action fire) = await time.Timer;
            if (seed % 2 == 0)
            {
                await writer.DisposeAsync(); // as a harness does that kills a silo
            }

            TailCut cut = (TailCut)(seed % 3);
            (await storage.CutTailAsync(journal, new Random(seed), cut)).ShouldBeInRange(1, 4 * 356);
            fire();
            await Should.ThrowAsync<Exception>(append);
            await Should.ThrowAsync<Exception>(async () => await writer.AppendAsync(6, 6));
            long end = await storage.SealJournalAsync(journal, default);
            end.ShouldBeInRange(5, 8);
            ends.Add(end);
            (await storage.ReadAllAsync(journal)).ShouldBe(TestFrames.Lsns(1, end));
            if (cut == TailCut.All)
            {
                end.ShouldBe(5);
            }
        }

        ends.Order().ShouldBe([5, 6, 7, 8]);
    }

    [Fact]
    public async Task A_journal_without_an_append_under_way_loses_nothing()
    {
        await using FileStorage storage = FileStorage.Open(_folder.Path, new FileStorageOptions { SegmentSizeBytes = 4096 });
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", default);
        await writer.AppendAsync(1, 5);
        (await storage.CutTailAsync("j", new Random(1), TailCut.All)).ShouldBe(0);
        (await storage.CutTailAsync("unknown", new Random(1), TailCut.All)).ShouldBe(0);
        (await storage.SealJournalAsync("j", default)).ShouldBe(5);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_harness_cuts_through_the_port(bool torn)
    {
        var time = new ManualTime();
        var options = new FileStorageOptions { SegmentSizeBytes = 4096, TimeProvider = time, FlushDelay = TimeSpan.FromSeconds(1) };
        await using FileStorage storage = FileStorage.Open(_folder.Path, options);
        await using IJournalWriter writer = await storage.CreateJournalAsync("j", default);
        Task append = writer.AppendTogetherAsync(1, 4).AsTask();
        (_, Action fire) = await time.Timer;
        await ((ILosesTails)storage).CutTailAsync("j", torn, default);
        fire();
        await Should.ThrowAsync<StorageException>(append);
        (await storage.SealJournalAsync("j", default)).ShouldBeInRange(0, torn ? 3 : 0);
    }
}

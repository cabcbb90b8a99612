using OrleansStreaming.Core;

namespace OrleansStreaming.Testing;

/// <summary>Creating journals and appending to them.</summary>
internal static class AppendingCases
{
    public static IReadOnlyList<StorageConformanceCase> All { get; } =
    [
        new("appended-frames-are-read", "What an append has confirmed is read in LSN order, each frame as it was appended.", ReadBackAsync),
        new("appended-frames-survive-reopening", "What an append has confirmed is there after reopening, whether or not its writer was disposed.", SurvivesAsync),
        new("confirmed-is-stored", "An append is not confirmed before it is stored.", NotBeforeAsync, StorageAbilities.Pauses),
        new("appended-memory-is-free-again", "Memory that was given to an append may be used again once it is confirmed.", MemoryAsync),
        new("an-empty-append-is-nothing", "An append without frames changes nothing.", EmptyAsync),
        new("large-frames", "Frames of many megabytes are kept, alone and together.", LargeAsync),
        new("many-small-frames", "One append takes thousands of frames.", ManyAsync),
        new("journals-are-apart", "Journals that are appended to at the same time do not mix.", ApartAsync),
        new("a-journal-is-created-once", "A journal that exists cannot be created, also not after reopening.", CreatedOnceAsync),
    ];

    private static async Task ReadBackAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        JournalUnderTest journal = await trial.CreateAsync(storage).ConfigureAwait(false);
        foreach ((int count, int bytes) in new[] { (1, 40), (1, 0), (5, 300), (2, 1), (7, 5_000) })
        {
            await journal.AppendAsync(count, bytes).ConfigureAwait(false);
            await journal.HoldsAsync(1, journal.Confirmed, "a frame can be read as soon as it is confirmed").ConfigureAwait(false);
        }
    }

    private static async Task SurvivesAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        JournalUnderTest journal = await trial.CreateAsync(storage).ConfigureAwait(false);
        for (int i = 1; i <= 4; i++)
        {
            await journal.AppendAsync(i, 200 * i).ConfigureAwait(false);
        }

        JournalUnderTest single = await trial.CreateAsync(storage, "k").ConfigureAwait(false);
        await single.AppendAsync().ConfigureAwait(false);
        for (int i = 0; i < 2; i++)
        {
            storage = await trial.ReopenAsync(storage).ConfigureAwait(false);
            await journal.HoldsAsync(1, 10, "confirmed frames survive reopening", storage).ConfigureAwait(false);
            await single.HoldsAsync(1, 1, "confirmed frames survive reopening", storage).ConfigureAwait(false);
        }

        trial.Equal(10, await journal.SealAsync(storage).ConfigureAwait(false), "a journal ends with its last confirmed frame");
        await journal.HoldsAsync(1, 10, "sealing changes no frame", storage).ConfigureAwait(false);
    }

    private static async Task NotBeforeAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        JournalUnderTest journal = await trial.CreateAsync(storage).ConfigureAwait(false);
        await journal.AppendAsync(2).ConfigureAwait(false);
        foreach (AppendStep step in Enum.GetValues<AppendStep>())
        {
            (Task append, AppendPause pause) = await journal.PauseAsync(step, 2).ConfigureAwait(false);
            trial.Require(!append.IsCompleted, "an append is confirmed when it is durable, not before", $"an append that stands at {step}", "its confirmation");
            pause.Release();
            await append.ConfigureAwait(false);
        }

        await journal.HoldsAsync(1, 6, "an append that was held up is whole").ConfigureAwait(false);
    }

    private static async Task MemoryAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        JournalUnderTest journal = await trial.CreateAsync(storage).ConfigureAwait(false);
        byte[] memory = new byte[4096];
        for (int lsn = 1; lsn <= 3; lsn++)
        {
            FrameToWrite frame = journal.Frame(lsn, 1000);
            JournalUnderTest.Joined(frame).CopyTo(memory, 0);
            ReadOnlyMemory<byte>[] pieces = [memory.AsMemory(0, 32), memory.AsMemory(32, 1), memory.AsMemory(33, frame.Length - 33)];
            var frames = new List<FrameToWrite> { new(lsn, pieces, frame.Length) };
            await journal.AppendAsync(frames).ConfigureAwait(false);
            Array.Fill(memory, (byte)0xEE);
            frames.Clear();
        }

        await journal.HoldsAsync(1, 3, "memory given to an append is the caller's again").ConfigureAwait(false);
    }

    private static async Task EmptyAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        JournalUnderTest journal = await trial.CreateAsync(storage).ConfigureAwait(false);
        await journal.AppendAsync([]).ConfigureAwait(false);
        await journal.AppendAsync(2).ConfigureAwait(false);
        await journal.AppendAsync([]).ConfigureAwait(false);
        await journal.HoldsAsync(1, 2, "an append without frames changes nothing").ConfigureAwait(false);
        trial.Equal(2, await journal.SealAsync().ConfigureAwait(false), "an append without frames changes nothing");
    }

    private static async Task LargeAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        JournalUnderTest journal = await trial.CreateAsync(storage).ConfigureAwait(false);
        await journal.AppendAsync(1, 9 << 20).ConfigureAwait(false);
        await journal.AppendAsync().ConfigureAwait(false);
        await journal.AppendAsync(3, 3 << 20).ConfigureAwait(false);
        await journal.AppendAsync().ConfigureAwait(false);
        storage = await trial.ReopenAsync(storage).ConfigureAwait(false);
        await journal.HoldsAsync(1, 6, "large frames are kept", storage).ConfigureAwait(false);
        trial.Equal(6, await journal.SealAsync(storage).ConfigureAwait(false), "large frames are kept");
    }

    private static async Task ManyAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        JournalUnderTest journal = await trial.CreateAsync(storage).ConfigureAwait(false);
        await journal.AppendAsync(3_000, 20).ConfigureAwait(false);
        await journal.AppendAsync(1_000, 7).ConfigureAwait(false);
        await journal.HoldsAsync(1, 4_000, "an append takes any number of frames").ConfigureAwait(false);
        trial.Equal(4_000, await journal.SealAsync().ConfigureAwait(false), "an append takes any number of frames");
    }

    private static async Task ApartAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        JournalUnderTest[] journals = await Task.WhenAll(Enumerable.Range(0, 4).Select(i => trial.CreateAsync(storage, $"j{i}"))).ConfigureAwait(false);
        await Task.WhenAll(journals.Select(async (journal, number) =>
        {
            for (int i = 0; i < 8; i++)
            {
                await journal.AppendAsync(number + 1, 100 + number).ConfigureAwait(false);
            }
        })).ConfigureAwait(false);
        for (int i = 0; i < journals.Length; i++)
        {
            await journals[i].HoldsAsync(1, 8 * (i + 1), "each journal has its own frames").ConfigureAwait(false);
        }
    }

    private static async Task CreatedOnceAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        JournalUnderTest empty = await trial.CreateAsync(storage, "empty").ConfigureAwait(false);
        JournalUnderTest filled = await trial.CreateAsync(storage, "filled").ConfigureAwait(false);
        await filled.AppendAsync(3).ConfigureAwait(false);
        JournalUnderTest closed = await trial.CreateAsync(storage, "sealed").ConfigureAwait(false);
        await closed.AppendAsync(3).ConfigureAwait(false);
        await closed.SealAsync().ConfigureAwait(false);
        for (int i = 0; i < 2; i++)
        {
            foreach (JournalUnderTest journal in new[] { empty, filled, closed })
            {
                await trial.ThrowsAsync<StorageException>(
                    async () => await storage.CreateJournalAsync(journal.Name, trial.Cancel).ConfigureAwait(false), "a journal that exists cannot be created").ConfigureAwait(false);
            }

            storage = await trial.ReopenAsync(storage).ConfigureAwait(false);
        }

        trial.Equal(0, await empty.SealAsync(storage).ConfigureAwait(false), "a journal without frames ends at 0");
        trial.Equal(3, await filled.SealAsync(storage).ConfigureAwait(false), "a creation that was refused changes nothing");
        await filled.HoldsAsync(1, 3, "a creation that was refused changes nothing", storage).ConfigureAwait(false);
    }
}

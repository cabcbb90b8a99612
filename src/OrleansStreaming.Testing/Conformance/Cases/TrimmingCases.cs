using OrleansStreaming.Core;

namespace OrleansStreaming.Testing;

/// <summary>Trimming and deleting journals.</summary>
internal static class TrimmingCases
{
    public static IReadOnlyList<StorageConformanceCase> All { get; } =
    [
        new("trimming-keeps-what-is-needed", "Trimming takes frames away from the front only, none at or above the LSN given; the journal goes on.", KeepsAsync),
        new("trimming-what-is-not-there-is-harmless", "Trimming a journal that is not there, again, or below the first frame changes nothing.", HarmlessAsync),
        new("a-journal-in-use-is-not-deleted", "A journal that is not sealed is not deleted: it goes on, and ends where it was.", NotDeletedAsync),
        new("a-sealed-journal-is-deleted", "A sealed journal that is trimmed altogether has no frames, also after reopening.", DeletedAsync),
        new("trimming-beside-reads", "Reads at the same time as trimming see whole frames without gaps.", BesideAsync),
    ];

    private static async Task KeepsAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        JournalUnderTest journal = await trial.CreateAsync(storage).ConfigureAwait(false);
        for (int i = 0; i < 20; i++)
        {
            await journal.AppendAsync(2, 600).ConfigureAwait(false);
        }

        long needed = 1;
        foreach (long below in new long[] { 2, 15, 15, 7, 31 })
        {
            needed = Math.Max(needed, below);
            await storage.TrimJournalAsync(journal.Name, below, trial.Cancel).ConfigureAwait(false);
            await HasFromAsync(trial, storage, journal, needed, journal.Confirmed).ConfigureAwait(false);
            await journal.AppendAsync().ConfigureAwait(false);
        }

        await HasFromAsync(trial, storage, journal, 31, 45).ConfigureAwait(false);
        storage = await trial.ReopenAsync(storage).ConfigureAwait(false);
        await HasFromAsync(trial, storage, journal, 31, 45).ConfigureAwait(false);
        trial.Equal(45, await journal.SealAsync(storage).ConfigureAwait(false), "trimming does not change the end");
        await storage.TrimJournalAsync(journal.Name, 40, trial.Cancel).ConfigureAwait(false);
        await HasFromAsync(trial, storage, journal, 40, 45).ConfigureAwait(false);
    }

    private static async Task HasFromAsync(StorageTrial trial, IStorage storage, JournalUnderTest journal, long needed, long last)
    {
        const string clause = "trimming keeps every frame from the LSN given";
        List<long> read = await JournalUnderTest.ReadAllAsync(trial, storage, journal.Name, 1, 3_000).ConfigureAwait(false);
        trial.Require(read.Count > 0 && read[0] <= needed, clause, $"a first frame at {needed} or before", read.Count > 0 ? $"{read[0]}" : "no frame");
        trial.Sequence(JournalUnderTest.Lsns(read[0], last), read, clause);
        await journal.HoldsAsync(needed, last, clause, storage).ConfigureAwait(false);
    }

    private static async Task HarmlessAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        foreach (long below in new[] { 0, 1, 10, long.MaxValue })
        {
            await storage.TrimJournalAsync(trial.Name("none"), below, trial.Cancel).ConfigureAwait(false);
        }

        JournalUnderTest journal = await trial.CreateAsync(storage, "none").ConfigureAwait(false);
        await storage.TrimJournalAsync(journal.Name, 1, trial.Cancel).ConfigureAwait(false);
        await journal.AppendAsync(3).ConfigureAwait(false);
        foreach (long below in new[] { long.MinValue, -1, 0, 1 })
        {
            await storage.TrimJournalAsync(journal.Name, below, trial.Cancel).ConfigureAwait(false);
        }

        await journal.HoldsAsync(1, 3, "trimming below the first frame changes nothing").ConfigureAwait(false);
    }

    private static async Task NotDeletedAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        JournalUnderTest journal = await trial.CreateAsync(storage).ConfigureAwait(false);
        await journal.AppendAsync(4).ConfigureAwait(false);
        await storage.TrimJournalAsync(journal.Name, long.MaxValue, trial.Cancel).ConfigureAwait(false);
        await journal.AppendAsync(2).ConfigureAwait(false);
        await journal.HoldsAsync(5, 6, "a journal that is not sealed goes on").ConfigureAwait(false);
        trial.Equal(6, await journal.SealAsync().ConfigureAwait(false), "trimming does not change the end");
    }

    private static async Task DeletedAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        IStorage other = await trial.OpenAnotherAsync(storage).ConfigureAwait(false);
        JournalUnderTest journal = await trial.CreateAsync(storage).ConfigureAwait(false);
        JournalUnderTest kept = await trial.CreateAsync(storage, "kept").ConfigureAwait(false);
        await journal.AppendAsync(4).ConfigureAwait(false);
        await kept.AppendAsync(4).ConfigureAwait(false);
        await journal.SealAsync(other).ConfigureAwait(false);
        await journal.HoldsAsync(1, 4, "a sealed journal keeps its frames").ConfigureAwait(false);
        for (int i = 0; i < 2; i++)
        {
            await other.TrimJournalAsync(journal.Name, long.MaxValue, trial.Cancel).ConfigureAwait(false);
            await journal.HoldsAsync(1, 0, "a journal that was deleted has no frames", other).ConfigureAwait(false);
        }

        trial.Require(!await journal.ConfirmsAsync().ConfigureAwait(false), "a journal that was deleted confirms nothing", "an exception", "a confirmation");
        await other.DisposeAsync().ConfigureAwait(false);
        storage = await trial.ReopenAsync(storage).ConfigureAwait(false);
        await journal.HoldsAsync(1, 0, "a journal that was deleted has no frames", storage).ConfigureAwait(false);
        await kept.HoldsAsync(1, 4, "deleting a journal leaves the others alone", storage).ConfigureAwait(false);
    }

    private static async Task BesideAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        JournalUnderTest journal = await trial.CreateAsync(storage).ConfigureAwait(false);
        for (int i = 0; i < 40; i++)
        {
            await journal.AppendAsync(2, 600).ConfigureAwait(false);
        }

        Task trimming = Task.Run(async () =>
        {
            for (long below = 1; below <= 70; below += 3)
            {
                await storage.TrimJournalAsync(journal.Name, below, trial.Cancel).ConfigureAwait(false);
            }
        });
        while (!trimming.IsCompleted)
        {
            await LookAsync().ConfigureAwait(false);
        }

        await trimming.ConfigureAwait(false);
        await LookAsync().ConfigureAwait(false);

        async Task LookAsync()
        {
            List<long> read = await JournalUnderTest.ReadAllAsync(trial, storage, journal.Name, 1, 2_000).ConfigureAwait(false);
            trial.Require(
                read.Count > 10 && read[^1] == 80 && read.Zip(read.Skip(1)).All(pair => pair.Second > pair.First && (pair.Second == pair.First + 1 || pair.Second <= 70)),
                "beside trimming, only trimmed frames are missing", "all frames from 70 to 80", string.Join(", ", read));
        }
    }
}

using OrleansStreaming.Core;

namespace OrleansStreaming.Testing;

/// <summary>Sealing journals.</summary>
internal static class SealingCases
{
    public static IReadOnlyList<StorageConformanceCase> All { get; } =
    [
        new("sealing-finds-the-end", "A seal ends a journal with its last whole frame; sealing again gives the same end, also after reopening.", EndAsync),
        new("a-journal-that-was-never-created-ends-at-0", "A journal that was never created is sealed at 0, for ever: one that is created later confirms nothing.", NeverCreatedAsync),
        new("a-seal-reads-what-was-appended", "A sealed journal is read up to its end, and not beyond.", ReadableAsync),
        new("sealers-agree", "Of several that seal at once while frames are appended, all get the same end, and nothing confirmed lies behind it.", AgreeAsync),
    ];

    private static async Task EndAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        JournalUnderTest empty = await trial.CreateAsync(storage, "empty").ConfigureAwait(false);
        JournalUnderTest journal = await trial.CreateAsync(storage).ConfigureAwait(false);
        await journal.AppendAsync(3).ConfigureAwait(false);
        await journal.AppendAsync(4).ConfigureAwait(false);
        for (int i = 0; i < 4; i++)
        {
            trial.Equal(7, await journal.SealAsync(storage).ConfigureAwait(false), "a journal ends with its last confirmed frame, however often it is sealed");
            trial.Equal(0, await empty.SealAsync(storage).ConfigureAwait(false), "a journal without frames ends at 0");
            if (i % 2 == 0)
            {
                await trial.SealedForGoodAsync(journal, 7).ConfigureAwait(false);
            }
            else
            {
                storage = await trial.ReopenAsync(storage).ConfigureAwait(false);
            }
        }
    }

    private static async Task SealedForGoodAsync(this StorageTrial trial, JournalUnderTest journal, long end)
    {
        bool confirmed;
        try
        {
            await journal.AppendAsync().ConfigureAwait(false);
            confirmed = true;
        }
        catch (Exception e) when (e is JournalFencedException or ObjectDisposedException)
        {
            confirmed = false;
        }

        trial.Require(!confirmed, "a sealed journal confirms nothing", $"an end at {end}", "a frame that was confirmed later");
    }

    private static async Task NeverCreatedAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        string name = trial.Name("never");
        for (int i = 0; i < 2; i++)
        {
            trial.Equal(0, await storage.SealJournalAsync(name, trial.Cancel).ConfigureAwait(false), "a journal that was never created ends at 0");
            bool confirmed = await StorageTrial.SucceedsAsync(async () =>
            {
                JournalUnderTest late = await JournalUnderTest.CreateAsync(trial, storage, name).ConfigureAwait(false);
                await late.AppendAsync().ConfigureAwait(false);
            }).ConfigureAwait(false);
            trial.Require(!confirmed, "a journal that was sealed before it was created confirms nothing", "an exception at its creation or at its first append", "a confirmation");
            trial.Equal(0, await storage.SealJournalAsync(name, trial.Cancel).ConfigureAwait(false), "the end of a journal never changes");
            await JournalUnderTest.HoldsAsync(trial, storage, name, 1, 0, "a journal that ends at 0 has no frames").ConfigureAwait(false);
            storage = await trial.ReopenAsync(storage).ConfigureAwait(false);
        }
    }

    private static async Task ReadableAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        JournalUnderTest journal = await trial.CreateAsync(storage).ConfigureAwait(false);
        await journal.AppendAsync(20, 700).ConfigureAwait(false);
        await journal.SealAsync().ConfigureAwait(false);
        await journal.FencedAsync("an append to a sealed journal says that it is sealed").ConfigureAwait(false);
        await journal.HoldsAsync(1, 20, "a sealed journal keeps its frames").ConfigureAwait(false);
        storage = await trial.ReopenAsync(storage).ConfigureAwait(false);
        await journal.HoldsAsync(5, 20, "a sealed journal keeps its frames", storage).ConfigureAwait(false);
    }

    private static async Task AgreeAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        IStorage other = await trial.OpenAnotherAsync(storage).ConfigureAwait(false);
        for (int round = 0; round < 8; round++)
        {
            JournalUnderTest journal = await trial.CreateAsync(storage, $"j{round}").ConfigureAwait(false);
            int enough = round * 2;
            var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Task appending = Task.Run(async () =>
            {
                do
                {
                    if (journal.Confirmed >= enough)
                    {
                        started.TrySetResult();
                    }
                }
                while (await journal.ConfirmsAsync().ConfigureAwait(false) && !trial.Cancel.IsCancellationRequested);
                started.TrySetResult();
            });
            await started.Task.ConfigureAwait(false);
            long[] ends = await Task.WhenAll(Enumerable.Range(0, 4).Select(i => Task.Run(() => journal.SealAsync(i % 2 == 0 ? storage : other)))).ConfigureAwait(false);
            await appending.ConfigureAwait(false);
            trial.Sequence(Enumerable.Repeat(ends[0], ends.Length), ends, "all who seal a journal get the same end");
            trial.Equal(ends[0], await journal.SealAsync(other).ConfigureAwait(false), "the end of a journal never changes");
            trial.Require(journal.Confirmed <= ends[0], "nothing that was confirmed lies behind the end", $"an end at {journal.Confirmed} or later", $"{ends[0]}");
            await journal.HoldsAsync(1, ends[0], "a journal holds its frames up to the end, and none behind it", other).ConfigureAwait(false);
        }
    }
}

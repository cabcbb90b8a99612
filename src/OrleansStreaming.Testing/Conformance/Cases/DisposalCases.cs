using OrleansStreaming.Core;

namespace OrleansStreaming.Testing;

/// <summary>Disposal.</summary>
internal static class DisposalCases
{
    public static IReadOnlyList<StorageConformanceCase> All { get; } =
    [
        new("after-disposal-every-call-throws", "Every call to a storage that was disposed throws ObjectDisposedException; disposing again does nothing.", DisposedAsync),
        new("disposing-a-writer-ends-no-journal", "A writer that was disposed appends no more; its journal stays as it is, and others go on.", WriterAsync),
        new("what-was-begun-ends-before-disposal-does", "After disposal nothing changes any more: what was under way has taken effect, or never does.", UnderWayAsync),
    ];

    private static async Task DisposedAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        JournalUnderTest journal = await trial.CreateAsync(storage).ConfigureAwait(false);
        await journal.AppendAsync(2).ConfigureAwait(false);
        await storage.WriteRunAsync(trial.Name("r"), new byte[3], trial.Cancel).ConfigureAwait(false);
        await storage.DisposeAsync().ConfigureAwait(false);
        await storage.DisposeAsync().ConfigureAwait(false);
        Func<ValueTask>[] calls =
        [
            async () => await storage.CreateJournalAsync(trial.Name("k"), trial.Cancel).ConfigureAwait(false),
            async () => await storage.SealJournalAsync(journal.Name, trial.Cancel).ConfigureAwait(false),
            async () => await storage.ReadFramesAsync(journal.Name, 1, 2, 1000, trial.Cancel).ConfigureAwait(false),
            () => storage.TrimJournalAsync(journal.Name, 2, trial.Cancel),
            async () => await storage.ReadRecordAsync(trial.Name("r"), trial.Cancel).ConfigureAwait(false),
            async () => await storage.SwapRecordAsync(trial.Name("r"), null, new byte[1], trial.Cancel).ConfigureAwait(false),
            () => storage.WriteRunAsync(trial.Name("r"), new byte[1], trial.Cancel),
            () => storage.WriteRunAsync(trial.Name("r"), RunCases.PiecesAsync(new byte[10], 2), trial.Cancel),
            async () => await storage.ReadRunAsync(trial.Name("r"), 0, 1, trial.Cancel).ConfigureAwait(false),
            () => storage.DeleteRunAsync(trial.Name("r"), trial.Cancel),
            async () => await storage.ListRunsAsync(trial.Name(""), trial.Cancel).ConfigureAwait(false),
            async () => await journal.AppendAsync().ConfigureAwait(false),
        ];
        foreach (Func<ValueTask> call in calls)
        {
            await trial.ThrowsAsync<ObjectDisposedException>(call, "a call to a storage that was disposed throws ObjectDisposedException").ConfigureAwait(false);
        }

        storage = await trial.ReopenAsync(storage).ConfigureAwait(false);
        await journal.HoldsAsync(1, 2, "calls after disposal change nothing", storage).ConfigureAwait(false);
        await RunCases.IsAsync(trial, storage, trial.Name("r"), new byte[3], "calls after disposal change nothing").ConfigureAwait(false);
    }

    private static async Task WriterAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        JournalUnderTest other = await trial.CreateAsync(storage, "other").ConfigureAwait(false);
        IJournalWriter writer = await storage.CreateJournalAsync(trial.Name("j"), trial.Cancel).ConfigureAwait(false);
        await writer.DisposeAsync().ConfigureAwait(false);
        await writer.DisposeAsync().ConfigureAwait(false);
        await trial.ThrowsAsync<ObjectDisposedException>(() => writer.AppendAsync([other.Frame(1)], trial.Cancel), "a writer that was disposed appends no more").ConfigureAwait(false);
        await other.AppendAsync(3).ConfigureAwait(false);
        await other.HoldsAsync(1, 3, "disposing a writer leaves other journals alone").ConfigureAwait(false);
        trial.Equal(0, await storage.SealJournalAsync(trial.Name("j"), trial.Cancel).ConfigureAwait(false), "the journal of a disposed writer ends where it was");
    }

    private static async Task UnderWayAsync(StorageTrial trial)
    {
        for (int round = 0; round < 3; round++)
        {
            IStorage storage = await trial.OpenAsync().ConfigureAwait(false), used = storage;
            string prefix = trial.Name($"{round}-");
            int[] written = new int[3];
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(trial.Cancel);
            Task[] calls = [.. written.Select((_, i) => Task.Run(() => EndsAsync(async () =>
            {
                while (!stop.IsCancellationRequested)
                {
                    await used.WriteRunAsync($"{prefix}{i}-{written[i]}", "a"u8.ToArray(), trial.Cancel).ConfigureAwait(false);
                    Interlocked.Increment(ref written[i]);
                }
            })))];
            await UntilEachAsync(i => written[i] > 0).ConfigureAwait(false);
            storage = await trial.ReopenAsync(storage).ConfigureAwait(false);
            IReadOnlyList<string> runs = await storage.ListRunsAsync(prefix, trial.Cancel).ConfigureAwait(false);
            int[] then = [.. written];
            await UntilEachAsync(i => written[i] > then[i] + 1).ConfigureAwait(false);
            await stop.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(calls).ConfigureAwait(false);
            trial.Sequence(
                runs.Order(StringComparer.Ordinal), (await storage.ListRunsAsync(prefix, trial.Cancel).ConfigureAwait(false)).Order(StringComparer.Ordinal), "nothing changes after disposal");
            await storage.DisposeAsync().ConfigureAwait(false);

            async Task UntilEachAsync(Func<int, bool> holds)
            {
                for (int i = 0; i < calls.Length; i++)
                {
                    while (!calls[i].IsCompleted && !holds(i))
                    {
                        await Task.Delay(1, trial.Cancel).ConfigureAwait(false);
                    }
                }
            }
        }
    }

    private static async Task EndsAsync(Func<Task> calls)
    {
        try
        {
            await calls().ConfigureAwait(false);
        }
        catch (Exception e) when (e is ObjectDisposedException or OperationCanceledException or StorageException)
        {
            // It came too late.
        }
    }
}

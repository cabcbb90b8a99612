using OrleansStreaming.Core;

namespace OrleansStreaming.Testing;

/// <summary>Callers that give up waiting.</summary>
internal static class CancellationCases
{
    public static IReadOnlyList<StorageConformanceCase> All { get; } =
    [
        new("a-cancelled-call-ends", "A call that is given a cancelled token throws OperationCanceledException; what it was to change is changed as a whole or not at all.", CancelledAsync),
        new("a-cancelled-append-confirms-nothing-twice", "After an append that was given up, nothing is appended behind a gap, and no frame appears twice.", CancelledAppendAsync),
        new("an-append-is-given-up-while-it-waits", "An append that stands still can be given up; its writer confirms nothing more, and its frames are part of the journal or are not, for ever.", AbandonedAsync, StorageAbilities.Pauses),
    ];

    private static async Task CancelledAsync(StorageTrial trial)
    {
        const string clause = "a call with a cancelled token throws OperationCanceledException";
        var cancelled = new CancellationToken(canceled: true);
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        JournalUnderTest journal = await trial.CreateAsync(storage).ConfigureAwait(false);
        await journal.AppendAsync(2).ConfigureAwait(false);
        string? tag = await storage.SwapRecordAsync(trial.Name("r"), null, "old"u8.ToArray(), trial.Cancel).ConfigureAwait(false);
        await storage.WriteRunAsync(trial.Name("r"), "old"u8.ToArray(), trial.Cancel).ConfigureAwait(false);
        Func<ValueTask>[] calls =
        [
            async () => await storage.CreateJournalAsync(trial.Name("k"), cancelled).ConfigureAwait(false),
            async () => await storage.SealJournalAsync(trial.Name("l"), cancelled).ConfigureAwait(false),
            async () => await storage.ReadFramesAsync(journal.Name, 1, 2, 1000, cancelled).ConfigureAwait(false),
            () => storage.TrimJournalAsync(journal.Name, 1, cancelled),
            async () => await storage.ReadRecordAsync(trial.Name("r"), cancelled).ConfigureAwait(false),
            async () => await storage.SwapRecordAsync(trial.Name("r"), tag, "new"u8.ToArray(), cancelled).ConfigureAwait(false),
            () => storage.WriteRunAsync(trial.Name("r"), "new"u8.ToArray(), cancelled),
            () => storage.WriteRunAsync(trial.Name("s"), RunCases.PiecesAsync(RunCases.Content(3 << 20), 1 << 20), cancelled),
            async () => await storage.ReadRunAsync(trial.Name("r"), 0, 1, cancelled).ConfigureAwait(false),
            () => storage.DeleteRunAsync(trial.Name("none"), cancelled),
            async () => await storage.ListRunsAsync(trial.Name(""), cancelled).ConfigureAwait(false),
        ];
        foreach (Func<ValueTask> call in calls)
        {
            await trial.ThrowsAsync<OperationCanceledException>(call, clause).ConfigureAwait(false);
        }

        storage = await trial.ReopenAsync(storage).ConfigureAwait(false);
        StoredRecord? record = await storage.ReadRecordAsync(trial.Name("r"), trial.Cancel).ConfigureAwait(false);
        Whole(record?.Content.ToArray(), "a record");
        Whole((await storage.ReadRunAsync(trial.Name("r"), 0, 100, trial.Cancel).ConfigureAwait(false)).ToArray(), "a run");
        trial.Equal(0, await storage.SealJournalAsync(trial.Name("l"), trial.Cancel).ConfigureAwait(false), "a seal that was given up can be repeated");
        await journal.HoldsAsync(1, 2, "calls that were given up leave the journal as it is", storage).ConfigureAwait(false);
        if ((await storage.ListRunsAsync(trial.Name("s"), trial.Cancel).ConfigureAwait(false)).Count > 0)
        {
            await RunCases.IsAsync(trial, storage, trial.Name("s"), RunCases.Content(3 << 20), "a run whose writing was given up is whole or not there").ConfigureAwait(false);
        }

        void Whole(byte[]? content, string what) => trial.Require(
            content is not null && (content.AsSpan().SequenceEqual("old"u8) || content.AsSpan().SequenceEqual("new"u8)),
            $"{what} whose change was given up is as it was, or changed as a whole", "'old' or 'new'", content is null ? "nothing" : Convert.ToHexString(content));
    }

    private static async Task CancelledAppendAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        for (int round = 0; round < 12; round++)
        {
            JournalUnderTest journal = await trial.CreateAsync(storage, $"j{round}").ConfigureAwait(false);
            await journal.AppendAsync(2).ConfigureAwait(false);
            using var cancelled = new CancellationTokenSource();
            if (round % 3 == 0)
            {
                await cancelled.CancelAsync().ConfigureAwait(false);
            }

            Task append = journal.AppendAsync(3, 100_000, cancelled.Token);
            await cancelled.CancelAsync().ConfigureAwait(false);
            await StorageTrial.SucceedsAsync(() => new ValueTask(append)).ConfigureAwait(false);

            // Where nothing of it has happened it may be repeated; where that is not known the writer refuses.
            await StorageTrial.SucceedsAsync(async () => await journal.AppendAsync(3, 100_000).ConfigureAwait(false)).ConfigureAwait(false);
            long end = await journal.SealAsync().ConfigureAwait(false);
            trial.Require(end >= journal.Confirmed && end <= journal.Confirmed + 3, "the end is that of the last whole frame", $"{journal.Confirmed} to {journal.Confirmed + 3}", $"{end}");
            await journal.HoldsAsync(1, end, "after an append that was given up, each frame is there once").ConfigureAwait(false);
        }
    }

    private static async Task AbandonedAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        foreach (AppendStep step in Enum.GetValues<AppendStep>())
        {
            JournalUnderTest journal = await trial.CreateAsync(storage, $"j{step}").ConfigureAwait(false);
            await journal.AppendAsync(2).ConfigureAwait(false);
            using var cancelled = new CancellationTokenSource();
            (Task append, AppendPause pause) = await journal.PauseAsync(step, 2, cancelled.Token).ConfigureAwait(false);
            await cancelled.CancelAsync().ConfigureAwait(false);
            await trial.ThrowsAsync<OperationCanceledException>(() => new ValueTask(append), "an append that stands still can be given up").ConfigureAwait(false);
            pause.Release();
            trial.Require(!await journal.ConfirmsAsync().ConfigureAwait(false), "a writer whose append was given up confirms nothing more", "an exception", "a confirmation");
            long end = await journal.SealAsync().ConfigureAwait(false);
            trial.Require(end is >= 2 and <= 4, "the end is that of the last whole frame", "2 to 4", $"{end}");
            storage = await trial.ReopenAsync(storage).ConfigureAwait(false);
            trial.Equal(end, await journal.SealAsync(storage).ConfigureAwait(false), "the end of a journal never changes");
            await journal.HoldsAsync(1, end, "an append that was given up is there in part or not, for ever", storage).ConfigureAwait(false);
        }
    }
}

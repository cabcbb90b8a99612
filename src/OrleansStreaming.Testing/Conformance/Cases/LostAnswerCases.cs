using OrleansStreaming.Core;

namespace OrleansStreaming.Testing;

/// <summary>The medium fails, before or after a change has taken effect there. A storage may find out which, or say that it does not know; it must not be wrong.</summary>
internal static class LostAnswerCases
{
    public static IReadOnlyList<StorageConformanceCase> All { get; } =
    [
        new("a-swap-whose-answer-is-lost", "A swap whose answer was lost never says that it lost against itself; one that fails for certain has changed nothing.", SwapAsync, StorageAbilities.LosesAnswers),
        new("an-append-whose-answer-is-lost", "An append whose answer was lost is confirmed once or not at all, and a writer that has failed appends no more.", AppendAsync, StorageAbilities.LosesAnswers),
        new("a-seal-whose-answer-is-lost", "A seal whose answer was lost can be repeated, and gives the one end.", SealAsync, StorageAbilities.LosesAnswers),
        new("a-creation-whose-answer-is-lost", "A creation whose answer was lost leaves a journal that can be sealed, and takes appends only of a writer that was handed out.", CreateAsync, StorageAbilities.LosesAnswers),
        new("a-run-whose-answer-is-lost", "A run whose answer was lost is whole or not there, and can be written again.", RunAsync, StorageAbilities.LosesAnswers),
    ];

    private static async Task SwapAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        foreach (bool takesEffect in new[] { false, true })
        {
            foreach (bool exists in new[] { false, true })
            {
                string name = trial.Name($"{takesEffect}-{exists}");
                string? tag = exists ? await storage.SwapRecordAsync(name, null, "old"u8.ToArray(), trial.Cancel).ConfigureAwait(false) : null;
                trial.Subject.LoseAnswer(storage, StorageCall.SwapRecord, takesEffect);
                string? next = null;
                StorageException? failure = null;
                try
                {
                    next = await storage.SwapRecordAsync(name, tag, "new"u8.ToArray(), trial.Cancel).ConfigureAwait(false);
                }
                catch (StorageException e)
                {
                    failure = e;
                }

                StoredRecord? record = await storage.ReadRecordAsync(name, trial.Cancel).ConfigureAwait(false);
                bool changed = record is not null && record.Content.Span.SequenceEqual("new"u8);
                trial.Require(
                    failure is not null || (next is not null && changed && record!.Tag == next),
                    "a swap that nobody competed with wins, or throws", "a tag, or an exception", next is null ? "null, as if the record had changed" : $"tag {next}, and the record has {record?.Tag}");
                trial.Require(failure is null or { Ambiguous: true } || !changed, "a swap that fails for certain has changed nothing", "the old content", "the new content");
                trial.Require(
                    await storage.SwapRecordAsync(name, record?.Tag, "third"u8.ToArray(), trial.Cancel).ConfigureAwait(false) is not null, "a record can be changed from the tag that is read", "a new tag", "null");
            }
        }
    }

    private static async Task AppendAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        foreach (bool takesEffect in new[] { false, true })
        {
            JournalUnderTest journal = await trial.CreateAsync(storage, $"j{takesEffect}").ConfigureAwait(false);
            await journal.AppendAsync(2).ConfigureAwait(false);
            trial.Subject.LoseAnswer(storage, StorageCall.Append, takesEffect);
            bool confirmed = await StorageTrial.SucceedsAsync(async () => await journal.AppendAsync(2).ConfigureAwait(false)).ConfigureAwait(false);
            bool later = await journal.ConfirmsAsync().ConfigureAwait(false);
            trial.Require(confirmed || !later, "a writer that has failed appends no more", "an exception", "a confirmation");
            for (int i = 0; i < 2; i++)
            {
                long end = await journal.SealAsync(storage).ConfigureAwait(false);
                trial.Require(end >= journal.Confirmed && end <= journal.Confirmed + 2, "nothing that was confirmed lies behind the end", $"{journal.Confirmed} to {journal.Confirmed + 2}", $"{end}");
                await journal.HoldsAsync(1, end, "each frame is there once", storage).ConfigureAwait(false);
                storage = await trial.ReopenAsync(storage).ConfigureAwait(false);
            }
        }
    }

    private static async Task SealAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        foreach (bool takesEffect in new[] { false, true })
        {
            foreach (int frames in new[] { 0, 3 })
            {
                JournalUnderTest journal = await trial.CreateAsync(storage, $"j{takesEffect}{frames}").ConfigureAwait(false);
                await journal.AppendAsync(frames).ConfigureAwait(false);
                trial.Subject.LoseAnswer(storage, StorageCall.SealJournal, takesEffect);
                await StorageTrial.SucceedsAsync(async () => trial.Equal(frames, await journal.SealAsync().ConfigureAwait(false), "a seal finds the end")).ConfigureAwait(false);
                trial.Equal(frames, await journal.SealAsync().ConfigureAwait(false), "a seal whose answer was lost can be repeated");
                await journal.FencedAsync("a sealed journal confirms nothing").ConfigureAwait(false);
                await journal.HoldsAsync(1, frames, "a seal changes no frame").ConfigureAwait(false);
            }
        }
    }

    private static async Task CreateAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        foreach (bool takesEffect in new[] { false, true })
        {
            string name = trial.Name($"j{takesEffect}");
            trial.Subject.LoseAnswer(storage, StorageCall.CreateJournal, takesEffect);
            JournalUnderTest? journal = null;
            await StorageTrial.SucceedsAsync(async () => journal = await JournalUnderTest.CreateAsync(trial, storage, name).ConfigureAwait(false)).ConfigureAwait(false);
            if (journal is not null)
            {
                await journal.AppendAsync(2).ConfigureAwait(false);
            }

            trial.Equal(journal is null ? 0 : 2, await storage.SealJournalAsync(name, trial.Cancel).ConfigureAwait(false), "a journal whose creation was not confirmed can be sealed");
            await JournalUnderTest.HoldsAsync(trial, storage, name, 1, journal is null ? 0 : 2, "a journal holds what was appended to it").ConfigureAwait(false);
        }
    }

    private static async Task RunAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        foreach (bool takesEffect in new[] { false, true })
        {
            foreach (bool inPieces in new[] { false, true })
            {
                string name = trial.Name($"{takesEffect}-{inPieces}");
                byte[] content = RunCases.Content(100_000, inPieces ? 1 : 2);
                trial.Subject.LoseAnswer(storage, StorageCall.WriteRun, takesEffect);
                bool written = await StorageTrial.SucceedsAsync(WriteAsync).ConfigureAwait(false);
                bool isListed = (await storage.ListRunsAsync(name, trial.Cancel).ConfigureAwait(false)).Count > 0;
                trial.Require(isListed || !written, "a run that was confirmed is there", "a run", "none");
                if (isListed)
                {
                    await RunCases.IsAsync(trial, storage, name, content, "a run is whole or not there").ConfigureAwait(false);
                }
                else
                {
                    await RunCases.IsNotAsync(trial, storage, name, "a run is whole or not there").ConfigureAwait(false);
                }

                await WriteAsync().ConfigureAwait(false);
                await RunCases.IsAsync(trial, storage, name, content, "a run whose writing failed can be written again").ConfigureAwait(false);

                ValueTask WriteAsync() => inPieces
                    ? storage.WriteRunAsync(name, RunCases.PiecesAsync(content, 30_000), trial.Cancel)
                    : storage.WriteRunAsync(name, content, trial.Cancel);
            }
        }
    }
}

using OrleansStreaming.Core;

namespace OrleansStreaming.Testing;

/// <summary>Losses of power while an append is under way.</summary>
internal static class CrashCases
{
    private const int Rounds = 12;

    public static IReadOnlyList<StorageConformanceCase> All { get; } =
    [
        new("a-torn-append-leaves-whole-frames", "What a crash leaves of an append is a prefix of whole frames; all that was confirmed is there; the rest never comes back.", TornAsync, StorageAbilities.Pauses | StorageAbilities.Crashes),
    ];

    private static async Task TornAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        for (int round = 0; round < Rounds; round++)
        {
            JournalUnderTest journal = await trial.CreateAsync(storage, $"j{round}").ConfigureAwait(false);
            for (int i = 0; i < round % 3; i++)
            {
                await journal.AppendAsync(2, 90).ConfigureAwait(false);
            }

            long confirmed = journal.Confirmed;
            (Task append, AppendPause pause) = await journal.PauseAsync(round % 2 == 0 ? AppendStep.BeforeConfirm : AppendStep.BeforeWrite, 4).ConfigureAwait(false);
            await trial.Subject.CrashAsync(storage, journal.Name, new Random(round)).ConfigureAwait(false);
            pause.Release();
            trial.Require(
                !await StorageTrial.SucceedsAsync(() => new ValueTask(append)).ConfigureAwait(false) && !await journal.ConfirmsAsync().ConfigureAwait(false),
                "a writer that is dead confirms nothing", "an exception", "a confirmation");
            if (round % 4 < 2)
            {
                storage = await trial.ReopenAsync(storage).ConfigureAwait(false);
            }

            long end = await journal.SealAsync(storage).ConfigureAwait(false);
            trial.Require(end >= confirmed && end <= confirmed + 4, "a crash loses nothing that was confirmed, and adds nothing", $"an end from {confirmed} to {confirmed + 4}", $"{end}");
            await journal.HoldsAsync(1, end, "a crash leaves whole frames", storage).ConfigureAwait(false);
            storage = await trial.ReopenAsync(storage).ConfigureAwait(false);
            trial.Equal(end, await journal.SealAsync(storage).ConfigureAwait(false), "the end of a journal never changes");
            await journal.HoldsAsync(1, end, "a torn frame is ignored for ever", storage).ConfigureAwait(false);
        }
    }
}

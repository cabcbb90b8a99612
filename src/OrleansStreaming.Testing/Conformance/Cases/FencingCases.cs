using OrleansStreaming.Core;

namespace OrleansStreaming.Testing;

/// <summary>Writers that do not know that their journal has been sealed.</summary>
internal static class FencingCases
{
    public static IReadOnlyList<StorageConformanceCase> All { get; } =
    [
        new("a-sealed-journal-confirms-nothing", "Every append to a sealed journal throws JournalFencedException, and changes nothing.", FencedAsync),
        new("a-writer-paused-before-its-write-confirms-nothing", "A writer that stood still before its write while its journal was sealed confirms nothing, and the end stays.", trial => PausedAsync(trial, AppendStep.BeforeWrite), StorageAbilities.Pauses),
        new("a-writer-paused-before-its-confirmation-confirms-nothing", "A writer that stood still behind its write while its journal was sealed confirms nothing behind the end; its frames are part of the journal or are not, for ever.", trial => PausedAsync(trial, AppendStep.BeforeConfirm), StorageAbilities.Pauses),
        new("a-writer-paused-while-its-journal-is-deleted-confirms-nothing", "A writer that stood still while its journal was sealed and deleted confirms nothing behind the end, and harms no other journal.", DeletedAsync, StorageAbilities.Pauses),
        new("others-go-on-beside-a-paused-writer", "A writer that stands still holds up no other journal and no reader.", OthersAsync, StorageAbilities.Pauses),
    ];

    private static async Task FencedAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        IStorage other = await trial.OpenAnotherAsync(storage).ConfigureAwait(false);
        foreach (int frames in new[] { 0, 5 })
        {
            JournalUnderTest journal = await trial.CreateAsync(storage, $"j{frames}").ConfigureAwait(false);
            if (frames > 0)
            {
                await journal.AppendAsync(frames).ConfigureAwait(false);
            }

            trial.Equal(frames, await journal.SealAsync(other).ConfigureAwait(false), "a journal ends with its last confirmed frame");
            for (int i = 0; i < 3; i++)
            {
                await journal.FencedAsync("a sealed journal confirms nothing").ConfigureAwait(false);
            }

            trial.Equal(frames, await journal.SealAsync().ConfigureAwait(false), "an append that was refused changes nothing");
            await journal.HoldsAsync(1, frames, "an append that was refused changes nothing", other).ConfigureAwait(false);
        }
    }

    private static async Task PausedAsync(StorageTrial trial, AppendStep step)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        IStorage other = await trial.OpenAnotherAsync(storage).ConfigureAwait(false);
        foreach (int before in new[] { 0, 3 })
        {
            JournalUnderTest journal = await trial.CreateAsync(storage, $"j{before}").ConfigureAwait(false);
            if (before > 0)
            {
                await journal.AppendAsync(before).ConfigureAwait(false);
            }

            (Task append, AppendPause pause) = await journal.PauseAsync(step, 2).ConfigureAwait(false);
            long end = await journal.SealAsync(other).ConfigureAwait(false);
            trial.Require(end >= before && end <= before + (step == AppendStep.BeforeWrite ? 0 : 2), "the end is that of the last whole frame", $"{before}, or more when written", $"{end}");
            await journal.HoldsAsync(1, end, "a journal holds its frames up to the end", other).ConfigureAwait(false);
            pause.Release();
            await NotBehindTheEndAsync<JournalFencedException>(trial, append, end == before + 2, "an append under way when the journal was sealed is not confirmed behind its end").ConfigureAwait(false);
            await journal.FencedAsync("nothing is confirmed later").ConfigureAwait(false);
            foreach (IStorage any in new[] { other, storage })
            {
                trial.Equal(end, await journal.SealAsync(any).ConfigureAwait(false), "the end of a journal never changes");
                await journal.HoldsAsync(1, end, "what arrives behind the end is never read", any).ConfigureAwait(false);
            }
        }
    }

    private static async Task DeletedAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        IStorage other = await trial.OpenAnotherAsync(storage).ConfigureAwait(false);
        foreach (AppendStep step in Enum.GetValues<AppendStep>())
        {
            JournalUnderTest journal = await trial.CreateAsync(storage, $"j{step}").ConfigureAwait(false);
            await journal.AppendAsync(2).ConfigureAwait(false);
            (Task append, AppendPause pause) = await journal.PauseAsync(step, 2).ConfigureAwait(false);
            long end = await journal.SealAsync(other).ConfigureAwait(false);
            await other.TrimJournalAsync(journal.Name, long.MaxValue, trial.Cancel).ConfigureAwait(false);
            JournalUnderTest next = await trial.CreateAsync(other, $"next{step}").ConfigureAwait(false);
            await next.AppendAsync(3, 300).ConfigureAwait(false);
            pause.Release();
            await NotBehindTheEndAsync<StorageException>(trial, append, end == 4, "an append to a journal that was deleted is not confirmed behind its end").ConfigureAwait(false);
            await next.HoldsAsync(1, 3, "a late write does not reach another journal").ConfigureAwait(false);
        }
    }

    /// <summary>What lies before the end may be confirmed late: where a write goes only to what is not sealed, nobody need look again.</summary>
    private static async Task NotBehindTheEndAsync<TException>(StorageTrial trial, Task append, bool liesBefore, string clause)
        where TException : Exception
    {
        if (!liesBefore)
        {
            await trial.ThrowsAsync<TException>(() => new ValueTask(append), clause).ConfigureAwait(false);
            return;
        }

        try
        {
            await append.ConfigureAwait(false);
        }
        catch (TException)
        {
            // As good.
        }
    }

    private static async Task OthersAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        JournalUnderTest paused = await trial.CreateAsync(storage, "paused").ConfigureAwait(false);
        await paused.AppendAsync(2).ConfigureAwait(false);
        JournalUnderTest other = await trial.CreateAsync(storage, "other").ConfigureAwait(false);
        (Task append, AppendPause pause) = await paused.PauseAsync(AppendStep.BeforeConfirm, 2).ConfigureAwait(false);
        await other.AppendAsync(3).ConfigureAwait(false);
        await other.HoldsAsync(1, 3, "a paused writer holds up no other").ConfigureAwait(false);
        List<long> read = await JournalUnderTest.ReadAllAsync(trial, storage, paused.Name, 1, 1 << 20).ConfigureAwait(false);
        trial.Require(read.Count is >= 2 and <= 4, "a paused writer holds up no reader", "frames 1 to 2, or up to 4", $"{read.Count} frames");
        pause.Release();
        await append.ConfigureAwait(false);
        await paused.HoldsAsync(1, 4, "a writer that was paused goes on").ConfigureAwait(false);
    }
}

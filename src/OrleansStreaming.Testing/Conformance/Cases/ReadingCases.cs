using OrleansStreaming.Core;

namespace OrleansStreaming.Testing;

/// <summary>Reading frames.</summary>
internal static class ReadingCases
{
    public static IReadOnlyList<StorageConformanceCase> All { get; } =
    [
        new("reads-stay-in-their-range", "A read returns the frames of its range from the first on; nothing for an empty range or one beyond the end.", RangesAsync),
        new("a-read-returns-a-frame-at-least", "A read returns about as many bytes as asked for, and one frame at least.", SizesAsync),
        new("a-journal-that-is-not-there-is-empty", "A journal that was never created has no frames.", NoneAsync),
        new("reads-beside-appends", "Reads at the same time as appends see whole frames without gaps, and all that were confirmed before.", BesideAsync),
    ];

    private static async Task RangesAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        JournalUnderTest journal = await trial.CreateAsync(storage).ConfigureAwait(false);
        for (int i = 0; i < 4; i++)
        {
            await journal.AppendAsync(2, 30 * i).ConfigureAwait(false);
        }

        for (int state = 0; state < 3; state++)
        {
            foreach (long from in new long[] { long.MinValue, -1, 0, 1, 2, 5, 8, 9, 50, long.MaxValue })
            {
                foreach (long to in new long[] { -1, 0, 1, 2, 4, 7, 8, 9, long.MaxValue })
                {
                    trial.Sequence(
                        JournalUnderTest.Lsns(Math.Max(1, from), Math.Min(8, to)),
                        await JournalUnderTest.ReadAllAsync(trial, storage, journal.Name, from, 1 << 20, to).ConfigureAwait(false), $"a read of {from} to {to} returns what is there of it");
                }
            }

            if (state == 0)
            {
                storage = await trial.ReopenAsync(storage).ConfigureAwait(false);
            }
            else
            {
                await journal.SealAsync(storage).ConfigureAwait(false);
            }
        }
    }

    private static async Task SizesAsync(StorageTrial trial)
    {
        const int longest = 8_000;
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        JournalUnderTest journal = await trial.CreateAsync(storage).ConfigureAwait(false);
        for (int i = 1; i <= 30; i++)
        {
            await journal.AppendAsync(2, i * 997 % longest).ConfigureAwait(false);
        }

        for (int state = 0; state < 2; state++)
        {
            foreach (int maxBytes in new[] { int.MinValue, 0, 1, 100, 5_000, 20_000, int.MaxValue })
            {
                string clause = $"a read of {maxBytes} bytes returns about as much, and one frame at least";
                IReadOnlyList<StoredFrame> frames = await JournalUnderTest.ReadAsync(trial, storage, journal.Name, 1, long.MaxValue, maxBytes).ConfigureAwait(false);
                trial.Require(frames.Count > 0, clause, "a frame", "none");
                long bytes = frames.Sum(frame => (long)frame.Bytes.Length), most = (long)Math.Max(0, maxBytes) + longest + FrameHeader.Size;
                trial.Require(bytes <= most, clause, $"at most {most} bytes", $"{bytes}");
                trial.Sequence(
                    JournalUnderTest.Lsns(1, 60), await JournalUnderTest.ReadAllAsync(trial, storage, journal.Name, 1, maxBytes).ConfigureAwait(false),
                    $"reading on by {maxBytes} bytes comes to every frame");
            }

            storage = await trial.ReopenAsync(storage).ConfigureAwait(false);
        }
    }

    private static async Task NoneAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        trial.Sequence([], await JournalUnderTest.ReadAllAsync(trial, storage, trial.Name("none"), 1, 100).ConfigureAwait(false), "a journal that was never created has no frames");
        JournalUnderTest journal = await trial.CreateAsync(storage, "none").ConfigureAwait(false);
        trial.Sequence([], await JournalUnderTest.ReadAllAsync(trial, storage, journal.Name, 1, 100).ConfigureAwait(false), "a new journal has no frames");
        await journal.AppendAsync(2).ConfigureAwait(false);
        await journal.HoldsAsync(1, 2, "reading a journal that is not there does not make it").ConfigureAwait(false);
    }

    private static async Task BesideAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        IStorage other = await trial.OpenAnotherAsync(storage).ConfigureAwait(false);
        JournalUnderTest journal = await trial.CreateAsync(storage).ConfigureAwait(false);
        Task appending = Task.Run(async () =>
        {
            for (int i = 0; i < 60; i++)
            {
                await journal.AppendAsync(1 + (i % 3), 500).ConfigureAwait(false);
            }
        });
        foreach (IStorage reader in new[] { storage, other })
        {
            for (int i = 0; i < 1_000 && !appending.IsCompleted; i++)
            {
                long confirmed = journal.Confirmed;
                List<long> read = await JournalUnderTest.ReadAllAsync(trial, reader, journal.Name, 1, 4_000).ConfigureAwait(false);
                trial.Sequence(JournalUnderTest.Lsns(1, read.Count), read, "frames that are read beside appends have no gap");
                trial.Require(read.Count >= confirmed, "a frame can be read as soon as it is confirmed", $"frames 1 to {confirmed}", $"1 to {read.Count}");
            }
        }

        await appending.ConfigureAwait(false);
        await journal.HoldsAsync(1, 120, "all that was confirmed is read", other).ConfigureAwait(false);
    }
}

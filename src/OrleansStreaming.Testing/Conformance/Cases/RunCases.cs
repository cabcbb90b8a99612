using OrleansStreaming.Core;

namespace OrleansStreaming.Testing;

/// <summary>Immutable runs.</summary>
internal static class RunCases
{
    public static IReadOnlyList<StorageConformanceCase> All { get; } =
    [
        new("any-part-of-a-run-is-read", "A read returns the part of a run that is asked for, cut at the end; a negative offset counts from the end.", PartsAsync),
        new("runs-of-any-size", "A run may be empty or have many megabytes, written at once or in pieces of any size.", SizesAsync),
        new("a-run-that-is-given-up-is-invisible", "When the pieces of a run throw, the exception goes on to the caller and nothing is visible; an older run of the name stays whole.", GivenUpAsync),
        new("a-run-is-invisible-before-it-is-whole", "While the pieces of a run come, it is not listed and cannot be read; an older one stays whole.", InvisibleAsync),
        new("a-run-is-overwritten", "A run of the same name is overwritten, by a shorter one too.", OverwrittenAsync),
        new("a-run-that-is-not-there-is-reported", "Reading a run that is not there throws CorruptDataException, which names it.", MissingAsync),
        new("runs-are-deleted", "A run that was deleted is gone, also after reopening; deleting one that is not there changes nothing.", DeletedAsync),
        new("a-read-of-a-run-does-not-change", "What a read of a run returned stays as it is when the run is overwritten or deleted.", StaysAsync),
    ];

    /// <summary>Bytes that follow from a seed.</summary>
    public static byte[] Content(int length, int seed = 0)
    {
        byte[] bytes = new byte[length];
        new Random(length + (seed * 31)).NextBytes(bytes);
        return bytes;
    }

    public static async Task IsAsync(StorageTrial trial, IStorage storage, string run, byte[] expected, string clause)
    {
        ReadOnlyMemory<byte> found = await storage.ReadRunAsync(run, 0, int.MaxValue, trial.Cancel).ConfigureAwait(false);
        trial.Bytes(expected, found.Span, clause);
    }

    public static Task<CorruptDataException> IsNotAsync(StorageTrial trial, IStorage storage, string run, string clause) =>
        trial.ThrowsAsync<CorruptDataException>(async () => await storage.ReadRunAsync(run, 0, 1, trial.Cancel).ConfigureAwait(false), clause);

    /// <summary>Content in pieces that share one buffer.</summary>
    public static async IAsyncEnumerable<ReadOnlyMemory<byte>> PiecesAsync(byte[] content, int pieceBytes, Func<int, Task>? before = null)
    {
        byte[] buffer = new byte[pieceBytes];
        for (int at = 0, number = 0; at < content.Length; at += pieceBytes, number++)
        {
            await (before?.Invoke(number) ?? Task.CompletedTask).ConfigureAwait(false);
            int length = Math.Min(pieceBytes, content.Length - at);
            content.AsSpan(at, length).CopyTo(buffer);
            yield return buffer.AsMemory(0, length);
            Array.Fill(buffer, (byte)0xEE);
            yield return default;
        }
    }

    private static async Task PartsAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        foreach (int size in new[] { 0, 1, 100, 150_000 })
        {
            byte[] content = Content(size);
            string run = trial.Name($"flights-3/{size}");
            await storage.WriteRunAsync(run, content, trial.Cancel).ConfigureAwait(false);
            foreach (long offset in new long[] { 0, 1, 65_535, 65_536, size / 2, size - 1, size, size + 5, long.MaxValue, -1, -40, -70_000, -size, -size - 9, long.MinValue })
            {
                foreach (int length in new[] { 0, 1, 99, 80_000, int.MaxValue })
                {
                    long from = offset < 0 ? Math.Max(0, size + offset) : Math.Min(size, offset);
                    ReadOnlyMemory<byte> found = await storage.ReadRunAsync(run, offset, length, trial.Cancel).ConfigureAwait(false);
                    trial.Bytes(content.AsSpan()[(int)from..(int)Math.Min(size, from + length)], found.Span, $"a read of {length} bytes at {offset} of a run of {size} bytes");
                }
            }
        }
    }

    private static async Task SizesAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        (int Size, int Piece)[] sizes = [(0, 1), (1, 1), (1000, 7), (65_536, 65_536), (65_537, 4096), (9 << 20, 300_000), (9 << 20, 5 << 20)];
        foreach ((int size, int piece) in sizes)
        {
            byte[] content = Content(size, piece), memory = [.. content];
            await storage.WriteRunAsync(trial.Name($"whole/{size}-{piece}"), memory, trial.Cancel).ConfigureAwait(false);
            Array.Fill(memory, (byte)0xEE);
            await storage.WriteRunAsync(trial.Name($"pieces/{size}-{piece}"), PiecesAsync(content, piece), trial.Cancel).ConfigureAwait(false);
        }

        storage = await trial.ReopenAsync(storage).ConfigureAwait(false);
        foreach ((int size, int piece) in sizes)
        {
            await IsAsync(trial, storage, trial.Name($"whole/{size}-{piece}"), Content(size, piece), $"a run of {size} bytes is read as it was written").ConfigureAwait(false);
            await IsAsync(trial, storage, trial.Name($"pieces/{size}-{piece}"), Content(size, piece), $"a run of {size} bytes in pieces of {piece} is read as it was written").ConfigureAwait(false);
        }
    }

    private static async Task GivenUpAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        byte[] old = Content(5_000, 1);
        await storage.WriteRunAsync(trial.Name("old"), old, trial.Cancel).ConfigureAwait(false);
        foreach (string name in new[] { "new", "old" })
        {
            foreach (int good in new[] { 0, 1, 6 })
            {
                var failure = new InvalidTimeZoneException("given up");
                InvalidTimeZoneException thrown = await trial.ThrowsAsync<InvalidTimeZoneException>(
                    () => storage.WriteRunAsync(trial.Name(name), PiecesAsync(Content(8 << 20), 1 << 20, number => number < good ? Task.CompletedTask : throw failure), trial.Cancel),
                    "what the pieces of a run throw goes on to the caller").ConfigureAwait(false);
                trial.Require(ReferenceEquals(failure, thrown), "what the pieces of a run throw goes on to the caller", "the same exception", "another");
            }
        }

        for (int i = 0; i < 2; i++)
        {
            await IsNotAsync(trial, storage, trial.Name("new"), "a run that was given up is not there").ConfigureAwait(false);
            await IsAsync(trial, storage, trial.Name("old"), old, "a run that was not overwritten stays").ConfigureAwait(false);
            trial.Sequence([trial.Name("old")], await storage.ListRunsAsync(trial.Name(""), trial.Cancel).ConfigureAwait(false), "a run that was given up is not listed");
            storage = await trial.ReopenAsync(storage).ConfigureAwait(false);
        }

        await storage.WriteRunAsync(trial.Name("new"), PiecesAsync(old, 700), trial.Cancel).ConfigureAwait(false);
        await IsAsync(trial, storage, trial.Name("new"), old, "a run that was given up can be written again").ConfigureAwait(false);
    }

    private static async Task InvisibleAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        IStorage other = await trial.OpenAnotherAsync(storage).ConfigureAwait(false);
        byte[] old = Content(5_000, 1), content = Content(6 << 20, 2);
        await storage.WriteRunAsync(trial.Name("old"), old, trial.Cancel).ConfigureAwait(false);
        await storage.WriteRunAsync(trial.Name("new"), PiecesAsync(content, 1 << 20, LookAsync), trial.Cancel).ConfigureAwait(false);
        await storage.WriteRunAsync(trial.Name("old"), PiecesAsync(content, 1 << 20, LookAtOldAsync), trial.Cancel).ConfigureAwait(false);
        await IsAsync(trial, other, trial.Name("new"), content, "a run is visible when its writing has ended").ConfigureAwait(false);
        await IsAsync(trial, other, trial.Name("old"), content, "a run is overwritten when its writing has ended").ConfigureAwait(false);

        async Task LookAsync(int piece)
        {
            await IsNotAsync(trial, other, trial.Name("new"), "a run that is being written is not there").ConfigureAwait(false);
            trial.Sequence([trial.Name("old")], await other.ListRunsAsync(trial.Name(""), trial.Cancel).ConfigureAwait(false), "a run that is being written is not listed");
        }

        Task LookAtOldAsync(int piece) => IsAsync(trial, other, trial.Name("old"), old, "a run that is being overwritten stays whole");
    }

    private static async Task OverwrittenAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        string run = trial.Name("r");
        foreach (int size in new[] { 100, 70_000, 7, 0, 200_000 })
        {
            await storage.WriteRunAsync(run, Content(size, 1), trial.Cancel).ConfigureAwait(false);
            await IsAsync(trial, storage, run, Content(size, 1), "a run is overwritten").ConfigureAwait(false);
            await storage.WriteRunAsync(run, PiecesAsync(Content(size + 1, 2), 5_000), trial.Cancel).ConfigureAwait(false);
            storage = await trial.ReopenAsync(storage).ConfigureAwait(false);
            await IsAsync(trial, storage, run, Content(size + 1, 2), "a run is overwritten by one in pieces").ConfigureAwait(false);
        }
    }

    private static async Task MissingAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        foreach ((long offset, int length) in new[] { (0L, 1), (0L, int.MaxValue), (-10L, 10), (5L, 0) })
        {
            CorruptDataException e = await trial.ThrowsAsync<CorruptDataException>(
                async () => await storage.ReadRunAsync(trial.Name("missing"), offset, length, trial.Cancel).ConfigureAwait(false), "a run that is not there is reported").ConfigureAwait(false);
            trial.Require(e.Message.Contains("missing", StringComparison.Ordinal), "the report names the run", "its name", e.Message);
        }
    }

    private static async Task DeletedAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        string run = trial.Name("a/1");
        await storage.WriteRunAsync(run, Content(10), trial.Cancel).ConfigureAwait(false);
        await storage.WriteRunAsync(trial.Name("a/10"), Content(10), trial.Cancel).ConfigureAwait(false);
        for (int i = 0; i < 2; i++)
        {
            await storage.DeleteRunAsync(run, trial.Cancel).ConfigureAwait(false);
            await IsNotAsync(trial, storage, run, "a run that was deleted is gone").ConfigureAwait(false);
            trial.Sequence([trial.Name("a/10")], await storage.ListRunsAsync(trial.Name(""), trial.Cancel).ConfigureAwait(false), "a run that was deleted is not listed, and others are");
            storage = await trial.ReopenAsync(storage).ConfigureAwait(false);
        }

        await storage.WriteRunAsync(run, Content(20), trial.Cancel).ConfigureAwait(false);
        await IsAsync(trial, storage, run, Content(20), "a run that was deleted can be written again").ConfigureAwait(false);
    }

    private static async Task StaysAsync(StorageTrial trial)
    {
        IStorage storage = await trial.OpenAsync().ConfigureAwait(false);
        byte[] content = Content(100_000);
        await storage.WriteRunAsync(trial.Name("r"), content, trial.Cancel).ConfigureAwait(false);
        ReadOnlyMemory<byte> read = await storage.ReadRunAsync(trial.Name("r"), 0, int.MaxValue, trial.Cancel).ConfigureAwait(false);
        await storage.WriteRunAsync(trial.Name("r"), Content(100_000, 7), trial.Cancel).ConfigureAwait(false);
        await storage.ReadRunAsync(trial.Name("r"), 0, int.MaxValue, trial.Cancel).ConfigureAwait(false);
        await storage.DeleteRunAsync(trial.Name("r"), trial.Cancel).ConfigureAwait(false);
        trial.Bytes(content, read.Span, "what a read returned stays as it is");
    }
}

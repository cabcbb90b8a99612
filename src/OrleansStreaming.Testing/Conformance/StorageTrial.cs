using OrleansStreaming.Core;

namespace OrleansStreaming.Testing;

/// <summary>One run of a case: what it has opened, the names that it takes, and what it requires.</summary>
internal sealed class StorageTrial(string caseName, IStorageUnderTest subject, CancellationToken cancellationToken) : IAsyncDisposable
{
    private readonly List<IStorage> _open = [];
    private readonly List<AppendPause> _pauses = [];

    /// <summary>No other trial has it, also not on storage that outlives many.</summary>
    public string Id { get; } = Guid.NewGuid().ToString("n")[..12];

    public IStorageUnderTest Subject { get; } = subject;

    public bool IsShared => Subject.Abilities.HasFlag(StorageAbilities.Shared);

    public CancellationToken Cancel { get; } = cancellationToken;

    /// <summary>A name of this trial.</summary>
    public string Name(string rest) => $"{Id}-{rest}";

    public async Task<IStorage> OpenAsync()
    {
        IStorage storage = await Subject.OpenAsync(Cancel).ConfigureAwait(false);
        _open.Add(storage);
        return storage;
    }

    public async Task<IStorage> ReopenAsync(IStorage storage)
    {
        await storage.DisposeAsync().ConfigureAwait(false);
        _open.Remove(storage);
        return await OpenAsync().ConfigureAwait(false);
    }

    /// <summary>A second instance beside the first; the first itself where two cannot be.</summary>
    public Task<IStorage> OpenAnotherAsync(IStorage storage) => IsShared ? OpenAsync() : Task.FromResult(storage);

    public Task<JournalUnderTest> CreateAsync(IStorage storage, string journal = "j") => JournalUnderTest.CreateAsync(this, storage, Name(journal));

    /// <summary>Lets the next append to a journal stand still, until the trial has ended at the latest.</summary>
    public AppendPause Pause(IStorage storage, string journal, AppendStep step)
    {
        var pause = new AppendPause(step);
        _pauses.Add(pause);
        Subject.PauseAppend(storage, journal, pause);
        return pause;
    }

    public void Equal<T>(T expected, T found, string clause) =>
        Require(EqualityComparer<T>.Default.Equals(expected, found), clause, Text(expected), Text(found));

    public void Bytes(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> found, string clause)
    {
        int same = expected.CommonPrefixLength(found);
        if (same < expected.Length || same < found.Length)
        {
            Fail(clause, $"{expected.Length} bytes", $"{found.Length} bytes, of which the first {same} are right");
        }
    }

    public void Sequence<T>(IEnumerable<T> expected, IEnumerable<T> found, string clause)
    {
        T[] wanted = [.. expected], got = [.. found];
        Require(wanted.SequenceEqual(got), clause, Text(wanted), Text(got));
    }

    public void Require(bool holds, string clause, string expected, string found)
    {
        if (!holds)
        {
            Fail(clause, expected, found);
        }
    }

    /// <summary>Requires an exception. Another failure of the storage goes on to the caller: it proves nothing.</summary>
    public async Task<TException> ThrowsAsync<TException>(Func<ValueTask> call, string clause)
        where TException : Exception
    {
        try
        {
            await call().ConfigureAwait(false);
        }
        catch (TException e)
        {
            return e;
        }
        catch (Exception e) when (e.GetType() != typeof(StorageException))
        {
            throw new StorageConformanceException(caseName, clause, typeof(TException).Name, $"{e.GetType().Name}: {e.Message}", e);
        }

        throw new StorageConformanceException(caseName, clause, typeof(TException).Name, "no exception");
    }

    /// <summary>Whether a call takes effect that may also be refused in so many words.</summary>
    public static async Task<bool> SucceedsAsync(Func<ValueTask> call)
    {
        try
        {
            await call().ConfigureAwait(false);
            return true;
        }
        catch (Exception e) when (e is StorageException or OperationCanceledException)
        {
            return false;
        }
    }

    public void Fail(string clause, string expected, string found) => throw new StorageConformanceException(caseName, clause, expected, found);

    /// <summary>Lets all go on that stands still.</summary>
    public void Release() => _pauses.ForEach(pause => pause.Release());

    public async ValueTask DisposeAsync()
    {
        Release();
        foreach (IStorage storage in _open)
        {
            await storage.DisposeAsync().ConfigureAwait(false);
        }
    }

    private static string Text<T>(T value) => value switch
    {
        null => "null",
        string text => $"'{text}'",
        Array { Length: > 20 } items => $"{items.Length}: {string.Join(", ", items.Cast<object>().Take(10))}, ..., {items.GetValue(items.Length - 1)}",
        Array items => items.Length == 0 ? "nothing" : string.Join(", ", items.Cast<object>()),
        _ => value.ToString()!,
    };
}

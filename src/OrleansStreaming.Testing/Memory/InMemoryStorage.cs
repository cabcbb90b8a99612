using OrleansStreaming.Core;

namespace OrleansStreaming.Testing;

/// <summary>
/// Storage in the memory of the process, for tests: keeps the whole contract of <see cref="IStorage"/>, and loses everything
/// with the process. Thread-safe.
/// </summary>
public sealed class InMemoryStorage : IStorage, ILosesTails
{
    private readonly MemoryData _data;
    private volatile bool _isDisposed;

    /// <summary>An empty storage.</summary>
    /// <param name="flushDelay">How long an append takes; what was appended for less is lost when its silo is killed.</param>
    public InMemoryStorage(TimeSpan flushDelay = default)
        : this(new MemoryData(flushDelay))
    {
    }

    private InMemoryStorage(MemoryData data) => _data = data;

    /// <summary>Stands between the steps of an append.</summary>
    internal Func<string, AppendStep, Task>? AtStep { get; set; }

    /// <summary>Opens the same data once more, as another process would: it stays when either is disposed.</summary>
    public InMemoryStorage Share() => new(_data);

    /// <inheritdoc/>
    public ValueTask<IJournalWriter> CreateJournalAsync(string journal, CancellationToken cancellationToken) =>
        Do<IJournalWriter>(cancellationToken, () => new MemoryJournalWriter(this, _data, _data.Create(journal)));

    /// <inheritdoc/>
    public ValueTask<long> SealJournalAsync(string journal, CancellationToken cancellationToken) =>
        Do(cancellationToken, () => _data.JournalOf(journal).Seal());

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<StoredFrame>> ReadFramesAsync(string journal, long fromLsn, long toLsn, int maxBytes, CancellationToken cancellationToken) =>
        Do<IReadOnlyList<StoredFrame>>(cancellationToken, () => _data.Journals.GetValueOrDefault(journal)?.Read(fromLsn, toLsn, maxBytes) ?? []);

    /// <inheritdoc/>
    public ValueTask TrimJournalAsync(string journal, long belowLsn, CancellationToken cancellationToken) => Do(cancellationToken, () => _data.Journals.GetValueOrDefault(journal)?.Trim(belowLsn));

    /// <inheritdoc/>
    public ValueTask<StoredRecord?> ReadRecordAsync(string name, CancellationToken cancellationToken) => Do(cancellationToken, () => _data.Records.GetValueOrDefault(name));

    /// <inheritdoc/>
    public ValueTask<string?> SwapRecordAsync(string name, string? expectedTag, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        Do(cancellationToken, () => _data.Swap(name, expectedTag, content));

    /// <inheritdoc/>
    public ValueTask WriteRunAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        Do(cancellationToken, () => _data.Write(name, content));

    /// <inheritdoc/>
    public async ValueTask WriteRunAsync(string name, IAsyncEnumerable<ReadOnlyMemory<byte>> pieces, CancellationToken cancellationToken)
    {
        Check(cancellationToken);
        using var content = new MemoryStream();
        await foreach (ReadOnlyMemory<byte> piece in pieces.WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            Check(cancellationToken);
            content.Write(piece.Span);
        }

        await WriteRunAsync(name, content.ToArray(), cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public ValueTask<ReadOnlyMemory<byte>> ReadRunAsync(string name, long offset, int length, CancellationToken cancellationToken) => Do<ReadOnlyMemory<byte>>(cancellationToken, () =>
    {
        byte[] run = _data.Runs.GetValueOrDefault(name) ?? throw new CorruptDataException(name, 0, "this run should exist");
        int from = (int)(offset < 0 ? Math.Max(0, run.Length + offset) : Math.Min(run.Length, offset));
        return run.AsMemory(from, Math.Min(length, run.Length - from));
    });

    /// <inheritdoc/>
    public ValueTask DeleteRunAsync(string name, CancellationToken cancellationToken) => Do(cancellationToken, () => _data.Delete(name));

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<string>> ListRunsAsync(string prefix, CancellationToken cancellationToken) =>
        Do<IReadOnlyList<string>>(cancellationToken, () => [.. _data.Runs.Keys.Where(name => name.StartsWith(prefix, StringComparison.Ordinal))]);

    /// <summary>Lets go of this instance; the data stays for those that share it.</summary>
    public ValueTask DisposeAsync()
    {
        lock (_data.Lock)
        {
            _isDisposed = true;
        }

        return default;
    }

    ValueTask ILosesTails.CutTailAsync(string journal, bool torn, CancellationToken cancellationToken) => Do(cancellationToken, () => CutTail(journal, torn ? new Random(journal.Length) : null));

    /// <summary>Ends a journal's writer, and loses what was not confirmed: all of it, or as chance will have it.</summary>
    internal void CutTail(string journal, Random? random)
    {
        lock (_data.Lock)
        {
            _data.Journals.GetValueOrDefault(journal)?.CutTail(random);
        }
    }

    internal T Locked<T>(Func<T> work)
    {
        lock (_data.Lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            return work();
        }
    }

    private ValueTask<T> Do<T>(CancellationToken cancellationToken, Func<T> work)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return ValueTask.FromResult(Locked(work));
    }

    private ValueTask Do(CancellationToken cancellationToken, Action work)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Locked(() =>
        {
            work();
            return true;
        });
        return default;
    }

    private void Check(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ObjectDisposedException.ThrowIf(_isDisposed, this);
    }
}

using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Tests.Conformance;

/// <summary>Passes everything on.</summary>
internal abstract class StorageDecorator(IStorage inner) : IStorage
{
    public IStorage Inner { get; } = inner;

    public virtual async ValueTask<IJournalWriter> CreateJournalAsync(string journal, CancellationToken cancellationToken) =>
        Wrap(journal, await Inner.CreateJournalAsync(journal, cancellationToken));

    public virtual ValueTask<long> SealJournalAsync(string journal, CancellationToken cancellationToken) => Inner.SealJournalAsync(journal, cancellationToken);

    public virtual ValueTask<IReadOnlyList<StoredFrame>> ReadFramesAsync(string journal, long fromLsn, long toLsn, int maxBytes, CancellationToken cancellationToken) =>
        Inner.ReadFramesAsync(journal, fromLsn, toLsn, maxBytes, cancellationToken);

    public virtual ValueTask TrimJournalAsync(string journal, long belowLsn, CancellationToken cancellationToken) => Inner.TrimJournalAsync(journal, belowLsn, cancellationToken);

    public virtual ValueTask<StoredRecord?> ReadRecordAsync(string name, CancellationToken cancellationToken) => Inner.ReadRecordAsync(name, cancellationToken);

    public virtual ValueTask<string?> SwapRecordAsync(string name, string? expectedTag, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        Inner.SwapRecordAsync(name, expectedTag, content, cancellationToken);

    public virtual ValueTask WriteRunAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) => Inner.WriteRunAsync(name, content, cancellationToken);

    public virtual ValueTask WriteRunAsync(string name, IAsyncEnumerable<ReadOnlyMemory<byte>> pieces, CancellationToken cancellationToken) =>
        Inner.WriteRunAsync(name, pieces, cancellationToken);

    public virtual ValueTask<ReadOnlyMemory<byte>> ReadRunAsync(string name, long offset, int length, CancellationToken cancellationToken) =>
        Inner.ReadRunAsync(name, offset, length, cancellationToken);

    public virtual ValueTask DeleteRunAsync(string name, CancellationToken cancellationToken) => Inner.DeleteRunAsync(name, cancellationToken);

    public virtual ValueTask<IReadOnlyList<string>> ListRunsAsync(string prefix, CancellationToken cancellationToken) => Inner.ListRunsAsync(prefix, cancellationToken);

    public virtual ValueTask DisposeAsync() => Inner.DisposeAsync();

    protected virtual IJournalWriter Wrap(string journal, IJournalWriter writer) => writer;
}

/// <summary>An append that does something else.</summary>
internal sealed class WriterDecorator(IJournalWriter inner, Func<IReadOnlyList<FrameToWrite>, CancellationToken, ValueTask> append, Action? dispose = null) : IJournalWriter
{
    public ValueTask AppendAsync(IReadOnlyList<FrameToWrite> frames, CancellationToken cancellationToken) => append(frames, cancellationToken);

    public ValueTask DisposeAsync()
    {
        dispose?.Invoke();
        return dispose is null ? inner.DisposeAsync() : default;
    }
}

namespace OrleansStreaming.Core.Tests.Formats;

/// <summary>Storage that holds one run and checks nothing.</summary>
internal sealed class OneRun(byte[] content) : IStorage
{
    public ValueTask<ReadOnlyMemory<byte>> ReadRunAsync(string name, long offset, int length, CancellationToken cancellationToken)
    {
        long from = offset >= 0 ? Math.Min(offset, content.Length) : Math.Max(0, content.Length + offset);
        return new(content.AsMemory((int)from, (int)Math.Min(length, content.Length - from)));
    }

    public ValueTask<IJournalWriter> CreateJournalAsync(string journal, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<long> SealJournalAsync(string journal, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<IReadOnlyList<StoredFrame>> ReadFramesAsync(string journal, long fromLsn, long toLsn, int maxBytes, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask TrimJournalAsync(string journal, long belowLsn, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<StoredRecord?> ReadRecordAsync(string name, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<string?> SwapRecordAsync(string name, string? expectedTag, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask WriteRunAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask WriteRunAsync(string name, IAsyncEnumerable<ReadOnlyMemory<byte>> pieces, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask DeleteRunAsync(string name, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<IReadOnlyList<string>> ListRunsAsync(string prefix, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask DisposeAsync() => default;
}

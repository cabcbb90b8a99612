namespace OrleansStreaming.Core.Tests.Checkpoints;

/// <summary>Storage that has runs and nothing else.</summary>
internal sealed class MemoryRuns : IStorage
{
    public Dictionary<string, byte[]> Runs { get; } = [];

    public int Reads { get; private set; }

    public long BytesWritten { get; private set; }

    public async ValueTask WriteRunAsync(string name, IAsyncEnumerable<ReadOnlyMemory<byte>> pieces, CancellationToken cancellationToken)
    {
        var content = new List<byte>();
        await foreach (ReadOnlyMemory<byte> piece in pieces)
        {
            content.AddRange(piece.Span);
        }

        Runs[name] = [.. content];
        BytesWritten += content.Count;
    }

    public ValueTask<ReadOnlyMemory<byte>> ReadRunAsync(string name, long offset, int length, CancellationToken cancellationToken)
    {
        Reads++;
        byte[] content = Runs[name];
        long from = offset >= 0 ? offset : content.Length + offset;
        return new(content.AsMemory((int)from, (int)Math.Min(length, content.Length - from)));
    }

    public ValueTask WriteRunAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<IJournalWriter> CreateJournalAsync(string journal, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<long> SealJournalAsync(string journal, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<IReadOnlyList<StoredFrame>> ReadFramesAsync(string journal, long fromLsn, long toLsn, int maxBytes, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask TrimJournalAsync(string journal, long belowLsn, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<StoredRecord?> ReadRecordAsync(string name, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<string?> SwapRecordAsync(string name, string? expectedTag, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask DeleteRunAsync(string name, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<IReadOnlyList<string>> ListRunsAsync(string prefix, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask DisposeAsync() => default;
}

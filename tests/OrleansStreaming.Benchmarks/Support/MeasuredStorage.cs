using System.Diagnostics;
using System.Runtime.CompilerServices;
using OrleansStreaming.Core;

namespace OrleansStreaming.Benchmarks;

/// <summary>Storage that notes how long each append to a journal takes until it is durable: one commit.</summary>
internal sealed class MeasuredStorage(IStorage inner) : IStorage, ILosesTails
{
    private readonly Lock _lock = new();
    private readonly List<Commit> _commits = new(1 << 18); // At once: its growing would have the collector run while something is measured.

    /// <summary>All since the start, in the order in which they ended.</summary>
    public IReadOnlyList<Commit> Commits
    {
        get
        {
            lock (_lock)
            {
                return [.. _commits];
            }
        }
    }

    /// <summary>What is measured.</summary>
    public IStorage Inner => inner;

    public TimeSpan AppendEvery => inner.AppendEvery;

    public async ValueTask<IJournalWriter> CreateJournalAsync(string journal, CancellationToken cancellationToken) =>
        new Writer(this, await inner.CreateJournalAsync(journal, cancellationToken));

    public ValueTask<long> SealJournalAsync(string journal, CancellationToken cancellationToken) => inner.SealJournalAsync(journal, cancellationToken);

    public ValueTask<IReadOnlyList<StoredFrame>> ReadFramesAsync(string journal, long fromLsn, long toLsn, int maxBytes, CancellationToken cancellationToken) =>
        inner.ReadFramesAsync(journal, fromLsn, toLsn, maxBytes, cancellationToken);

    public ValueTask TrimJournalAsync(string journal, long belowLsn, CancellationToken cancellationToken) => inner.TrimJournalAsync(journal, belowLsn, cancellationToken);

    public ValueTask<StoredRecord?> ReadRecordAsync(string name, CancellationToken cancellationToken) => inner.ReadRecordAsync(name, cancellationToken);

    public ValueTask<string?> SwapRecordAsync(string name, string? expectedTag, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        inner.SwapRecordAsync(name, expectedTag, content, cancellationToken);

    public ValueTask WriteRunAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) => inner.WriteRunAsync(name, content, cancellationToken);

    public ValueTask WriteRunAsync(string name, IAsyncEnumerable<ReadOnlyMemory<byte>> pieces, CancellationToken cancellationToken) =>
        inner.WriteRunAsync(name, pieces, cancellationToken);

    public ValueTask<ReadOnlyMemory<byte>> ReadRunAsync(string name, long offset, int length, CancellationToken cancellationToken) =>
        inner.ReadRunAsync(name, offset, length, cancellationToken);

    public ValueTask<int> ReadRunAsync(string name, long offset, Memory<byte> to, CancellationToken cancellationToken) =>
        inner.ReadRunAsync(name, offset, to, cancellationToken);

    public ValueTask DeleteRunAsync(string name, CancellationToken cancellationToken) => inner.DeleteRunAsync(name, cancellationToken);

    public ValueTask<IReadOnlyList<string>> ListRunsAsync(string prefix, CancellationToken cancellationToken) => inner.ListRunsAsync(prefix, cancellationToken);

    // A store that is elsewhere keeps what it was sent, also of a silo that is killed.
    public ValueTask CutTailAsync(string journal, bool torn, CancellationToken cancellationToken) =>
        inner is ILosesTails loses ? loses.CutTailAsync(journal, torn, cancellationToken) : default;

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private sealed class Writer(MeasuredStorage storage, IJournalWriter inner) : IJournalWriter
    {
        [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
        public async ValueTask AppendAsync(IReadOnlyList<FrameToWrite> frames, CancellationToken cancellationToken)
        {
            long started = Stopwatch.GetTimestamp();
            await inner.AppendAsync(frames, cancellationToken);
            var commit = new Commit(started, Stopwatch.GetTimestamp());
            lock (storage._lock)
            {
                storage._commits.Add(commit);
            }
        }

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}

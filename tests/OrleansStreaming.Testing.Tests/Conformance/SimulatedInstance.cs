using System.Collections.Concurrent;
using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Tests.Conformance;

/// <summary>Hands every call to the thread of the simulated world. Cancellation and disposal are its own, since the simulator knows neither.</summary>
internal sealed class SimulatedInstance(SimulatedUnderTest subject, IStorage inner) : IStorage
{
    private readonly List<Task> _calls = [];
    private bool _isDisposed;

    /// <summary>Journals whose writer has crashed.</summary>
    public ConcurrentDictionary<string, bool> Dead { get; } = [];

    public async ValueTask<IJournalWriter> CreateJournalAsync(string journal, CancellationToken cancellationToken) =>
        new Writer(this, journal, await Do(cancellationToken, cancel => inner.CreateJournalAsync(journal, cancel)).ConfigureAwait(false));

    public ValueTask<long> SealJournalAsync(string journal, CancellationToken cancellationToken) => Do(cancellationToken, cancel => inner.SealJournalAsync(journal, cancel));

    public ValueTask<IReadOnlyList<StoredFrame>> ReadFramesAsync(string journal, long fromLsn, long toLsn, int maxBytes, CancellationToken cancellationToken) =>
        Do(cancellationToken, cancel => inner.ReadFramesAsync(journal, fromLsn, toLsn, maxBytes, cancel));

    public ValueTask TrimJournalAsync(string journal, long belowLsn, CancellationToken cancellationToken) => Do(cancellationToken, cancel => inner.TrimJournalAsync(journal, belowLsn, cancel));

    public ValueTask<StoredRecord?> ReadRecordAsync(string name, CancellationToken cancellationToken) => Do(cancellationToken, cancel => inner.ReadRecordAsync(name, cancel));

    public ValueTask<string?> SwapRecordAsync(string name, string? expectedTag, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        Do(cancellationToken, cancel => inner.SwapRecordAsync(name, expectedTag, content, cancel));

    public ValueTask WriteRunAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) => Do(cancellationToken, cancel => inner.WriteRunAsync(name, content, cancel));

    public ValueTask WriteRunAsync(string name, IAsyncEnumerable<ReadOnlyMemory<byte>> pieces, CancellationToken cancellationToken) =>
        Do(cancellationToken, cancel => inner.WriteRunAsync(name, new Pieces(subject, pieces), cancel));

    public ValueTask<ReadOnlyMemory<byte>> ReadRunAsync(string name, long offset, int length, CancellationToken cancellationToken) =>
        Do(cancellationToken, cancel => inner.ReadRunAsync(name, offset, length, cancel));

    public ValueTask DeleteRunAsync(string name, CancellationToken cancellationToken) => Do(cancellationToken, cancel => inner.DeleteRunAsync(name, cancel));

    public ValueTask<IReadOnlyList<string>> ListRunsAsync(string prefix, CancellationToken cancellationToken) => Do(cancellationToken, cancel => inner.ListRunsAsync(prefix, cancel));

    /// <summary>Waits for what is under way, which the simulator would not forget.</summary>
    public async ValueTask DisposeAsync()
    {
        Task[] calls;
        lock (_calls)
        {
            _isDisposed = true;
            calls = [.. _calls];
        }

        await Task.WhenAll(calls).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async ValueTask<T> Do<T>(CancellationToken cancellationToken, Func<CancellationToken, ValueTask<T>> call)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Task<T> task;
        lock (_calls)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            _calls.RemoveAll(other => other.IsCompleted);
            _calls.Add(task = subject.OnThreadAsync(() => call(default)));
        }

        return await task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask Do(CancellationToken cancellationToken, Func<CancellationToken, ValueTask> call) => await Do(cancellationToken, async cancel =>
    {
        await call(cancel).ConfigureAwait(false);
        return true;
    }).ConfigureAwait(false);

    private sealed class Writer(SimulatedInstance owner, string journal, IJournalWriter inner) : IJournalWriter
    {
        private bool _isDisposed;
        private bool _isGivenUp;

        public async ValueTask AppendAsync(IReadOnlyList<FrameToWrite> frames, CancellationToken cancellationToken)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            if (_isGivenUp || owner.Dead.ContainsKey(journal))
            {
                throw new StorageException($"the writer of {journal} is gone");
            }

            try
            {
                await owner.Do(cancellationToken, cancel => inner.AppendAsync(frames, cancel)).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                _isGivenUp = true;
                throw;
            }
        }

        public ValueTask DisposeAsync()
        {
            _isDisposed = true;
            return default;
        }
    }

    /// <summary>Pieces may come from any thread; what is done with them goes on in that of the world.</summary>
    private sealed class Pieces(SimulatedUnderTest subject, IAsyncEnumerable<ReadOnlyMemory<byte>> inner) : IAsyncEnumerable<ReadOnlyMemory<byte>>
    {
        public IAsyncEnumerator<ReadOnlyMemory<byte>> GetAsyncEnumerator(CancellationToken cancellationToken) => new Cursor(subject, inner.GetAsyncEnumerator(cancellationToken));

        private sealed class Cursor(SimulatedUnderTest subject, IAsyncEnumerator<ReadOnlyMemory<byte>> inner) : IAsyncEnumerator<ReadOnlyMemory<byte>>
        {
            public ReadOnlyMemory<byte> Current => inner.Current;

            public ValueTask<bool> MoveNextAsync()
            {
                var moved = new TaskCompletionSource<bool>();
                _ = Task.Run(() => inner.MoveNextAsync().AsTask()).ContinueWith(task => subject.Post(() => moved.SetFromTask(task)), TaskScheduler.Default);
                return new ValueTask<bool>(moved.Task);
            }

            public ValueTask DisposeAsync() => inner.DisposeAsync();
        }
    }
}

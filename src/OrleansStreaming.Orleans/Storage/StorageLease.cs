using OrleansStreaming.Core;

namespace OrleansStreaming.Clustering;

/// <summary>
/// One user's hold on a storage that others use, too. Its disposal is that of a storage as far as this user can see: what is
/// under way ends, its writers are closed, and every later call throws; the storage itself stays open.
/// </summary>
internal class StorageLease(IStorage storage, Action<StorageLease> ended) : IStorage
{
    /// <summary>How long the disposal waits for calls that are under way before it makes them give up.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private readonly HashSet<LeasedWriter> _writers = [];
    private readonly CancellationTokenSource _giveUp = new();
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _running;
    private bool _isDisposed;

    public TimeSpan AppendEvery => storage.AppendEvery;

    public ValueTask<IJournalWriter> CreateJournalAsync(string journal, CancellationToken cancellationToken) => RunAsync<IJournalWriter>(
        async cancel =>
        {
            var writer = new LeasedWriter(this, await storage.CreateJournalAsync(journal, cancel).ConfigureAwait(false));
            lock (_lock)
            {
                _writers.Add(writer);
            }

            return writer;
        },
        cancellationToken);

    public ValueTask<long> SealJournalAsync(string journal, CancellationToken cancellationToken) =>
        RunAsync(cancel => storage.SealJournalAsync(journal, cancel), cancellationToken);

    public ValueTask<IReadOnlyList<StoredFrame>> ReadFramesAsync(string journal, long fromLsn, long toLsn, int maxBytes, CancellationToken cancellationToken) =>
        RunAsync(cancel => storage.ReadFramesAsync(journal, fromLsn, toLsn, maxBytes, cancel), cancellationToken);

    public ValueTask TrimJournalAsync(string journal, long belowLsn, CancellationToken cancellationToken) =>
        RunAsync(cancel => storage.TrimJournalAsync(journal, belowLsn, cancel), cancellationToken);

    public ValueTask<StoredRecord?> ReadRecordAsync(string name, CancellationToken cancellationToken) =>
        RunAsync(cancel => storage.ReadRecordAsync(name, cancel), cancellationToken);

    public ValueTask<string?> SwapRecordAsync(string name, string? expectedTag, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        RunAsync(cancel => storage.SwapRecordAsync(name, expectedTag, content, cancel), cancellationToken);

    public ValueTask WriteRunAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        RunAsync(cancel => storage.WriteRunAsync(name, content, cancel), cancellationToken);

    public ValueTask WriteRunAsync(string name, IAsyncEnumerable<ReadOnlyMemory<byte>> pieces, CancellationToken cancellationToken) =>
        RunAsync(cancel => storage.WriteRunAsync(name, pieces, cancel), cancellationToken);

    public ValueTask<ReadOnlyMemory<byte>> ReadRunAsync(string name, long offset, int length, CancellationToken cancellationToken) =>
        RunAsync(cancel => storage.ReadRunAsync(name, offset, length, cancel), cancellationToken);

    public ValueTask<int> ReadRunAsync(string name, long offset, Memory<byte> to, CancellationToken cancellationToken) =>
        RunAsync(cancel => storage.ReadRunAsync(name, offset, to, cancel), cancellationToken);

    public ValueTask DeleteRunAsync(string name, CancellationToken cancellationToken) =>
        RunAsync(cancel => storage.DeleteRunAsync(name, cancel), cancellationToken);

    public ValueTask<IReadOnlyList<string>> ListRunsAsync(string prefix, CancellationToken cancellationToken) =>
        RunAsync(cancel => storage.ListRunsAsync(prefix, cancel), cancellationToken);

    /// <summary>Ends the lease, and with it what is under way and its writers.</summary>
    public async ValueTask DisposeAsync()
    {
        bool isFirst;
        lock (_lock)
        {
            isFirst = !_isDisposed;
            _isDisposed = true;
            if (_running == 0)
            {
                _idle.TrySetResult();
            }
        }

        if (!isFirst)
        {
            await _ended.Task.ConfigureAwait(false);
            return;
        }

        try
        {
            // What is given up may still take effect, so it gets the time that a healthy storage needs.
            _giveUp.CancelAfter(Patience);
            await _idle.Task.ConfigureAwait(false);
            LeasedWriter[] writers;
            lock (_lock)
            {
                writers = [.. _writers];
            }

            foreach (LeasedWriter writer in writers)
            {
                await writer.CloseAsync().ConfigureAwait(false);
            }
        }
        finally
        {
            _giveUp.Dispose();
            ended(this);
            _ended.SetResult();
        }
    }

    /// <summary>Makes a call of the storage, unless the lease has ended.</summary>
    protected async ValueTask<T> RunAsync<T>(Func<CancellationToken, ValueTask<T>> call, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, typeof(IStorage));
            _running++;
        }

        try
        {
            using CancellationTokenSource? either = cancellationToken.CanBeCanceled ? CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _giveUp.Token) : null;
            return await call(either?.Token ?? _giveUp.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested && _giveUp.IsCancellationRequested)
        {
            throw new ObjectDisposedException(nameof(IStorage));
        }
        finally
        {
            lock (_lock)
            {
                _running--;
                if (_isDisposed && _running == 0)
                {
                    _idle.TrySetResult();
                }
            }
        }
    }

    /// <inheritdoc cref="RunAsync{T}"/>
    protected async ValueTask RunAsync(Func<CancellationToken, ValueTask> call, CancellationToken cancellationToken) => await RunAsync(
        async cancel =>
        {
            await call(cancel).ConfigureAwait(false);
            return true;
        },
        cancellationToken).ConfigureAwait(false);

    /// <summary>A lease of a storage that can lose what was not confirmed.</summary>
    internal sealed class WithTails(IStorage storage, ILosesTails tails, Action<StorageLease> ended) : StorageLease(storage, ended), ILosesTails
    {
        public ValueTask CutTailAsync(string journal, bool torn, CancellationToken cancellationToken) =>
            RunAsync(cancel => tails.CutTailAsync(journal, torn, cancel), cancellationToken);
    }

    /// <summary>A journal's writer, which ends with the lease.</summary>
    private sealed class LeasedWriter(StorageLease lease, IJournalWriter writer) : IJournalWriter
    {
        public ValueTask AppendAsync(IReadOnlyList<FrameToWrite> frames, CancellationToken cancellationToken) =>
            lease.RunAsync(cancel => writer.AppendAsync(frames, cancel), cancellationToken);

        public ValueTask DisposeAsync()
        {
            lock (lease._lock)
            {
                lease._writers.Remove(this);
            }

            return CloseAsync();
        }

        internal ValueTask CloseAsync() => writer.DisposeAsync();
    }
}

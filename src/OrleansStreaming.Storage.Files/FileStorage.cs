using System.Collections.Concurrent;
using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Files;

/// <summary>
/// Journals, records and runs in a folder of the local disk. One process at a time uses the folder; any number of its
/// silos may share the storage.
/// </summary>
public sealed class FileStorage : IStorage, ILosesTails
{
    /// <summary>The disk does several things at once no faster beyond some number of them.</summary>
    private const int MaxThreads = 16;

    private readonly DiskThreads _threads = new(MaxThreads);
    private readonly StorageFolder _folder;
    private readonly SegmentPool _pool;
    private readonly JournalContext _context;
    private readonly RecordStore _records;
    private readonly RunStore _runs;
    private readonly ConcurrentDictionary<string, Journal> _journals = new(StringComparer.Ordinal);
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _isDisposed;
    private int _running;

    private FileStorage(StorageFolder folder, FileStorageOptions options)
    {
        _folder = folder;
        var atomic = new AtomicFile(options.Files, folder.Temporary);
        _pool = new SegmentPool(options.Files, folder.Spares, options.SegmentSizeBytes, options.SpareSegments);
        _pool.Load();
        _context = new JournalContext(options.Files, atomic, _pool, options, folder.Journals, folder.Temporary);
        _records = new RecordStore(options.Files, atomic, folder.Records);
        _runs = new RunStore(options.Files, atomic, folder.Runs);
    }

    /// <summary>Opens a storage folder, and creates it if there is none.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="options">How to use it.</param>
    /// <returns>The storage; disposing it lets another process open the folder.</returns>
    /// <exception cref="StorageException">The folder cannot be written, or another process uses it.</exception>
    public static FileStorage Open(string folder, FileStorageOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        options ??= new FileStorageOptions();
        options.Validate();
        StorageFolder opened = StorageFolder.Open(Path.GetFullPath(folder), options);
        try
        {
            return new FileStorage(opened, options);
        }
        catch (Exception e)
        {
            opened.Dispose();
            throw DiskErrors.IsDiskError(e) ? DiskErrors.Translate(e, $"opening storage folder {opened.Root}") : e;
        }
    }

    /// <inheritdoc/>
    public ValueTask<IJournalWriter> CreateJournalAsync(string journal, CancellationToken cancellationToken) =>
        RunAsync<IJournalWriter>(() => JournalCreator.Create(Find(journal)), cancellationToken);

    /// <inheritdoc/>
    public ValueTask<long> SealJournalAsync(string journal, CancellationToken cancellationToken) =>
        RunAsync(
            () =>
            {
                while (true)
                {
                    Journal found = Find(journal);
                    if (JournalSealer.Seal(found) is { } end)
                    {
                        return end;
                    }

                    Forget(found);
                }
            },
            cancellationToken);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<StoredFrame>> ReadFramesAsync(string journal, long fromLsn, long toLsn, int maxBytes, CancellationToken cancellationToken) =>
        RunAsync<IReadOnlyList<StoredFrame>>(() => JournalReader.Read(Find(journal), fromLsn, toLsn, maxBytes), cancellationToken);

    /// <inheritdoc/>
    public ValueTask TrimJournalAsync(string journal, long belowLsn, CancellationToken cancellationToken) =>
        RunAsync(
            () =>
            {
                Journal found = Find(journal);
                if (JournalTrimmer.Trim(found, belowLsn))
                {
                    Forget(found);
                }
            },
            cancellationToken);

    /// <inheritdoc/>
    public ValueTask<StoredRecord?> ReadRecordAsync(string name, CancellationToken cancellationToken) =>
        RunAsync(() => _records.Read(name), cancellationToken);

    /// <inheritdoc/>
    public ValueTask<string?> SwapRecordAsync(string name, string? expectedTag, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        RunAsync(() => _records.Swap(name, expectedTag, content), cancellationToken);

    /// <inheritdoc/>
    public ValueTask WriteRunAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        RunAsync(() => _runs.Write(name, content), cancellationToken);

    /// <inheritdoc/>
    public async ValueTask WriteRunAsync(string name, IAsyncEnumerable<ReadOnlyMemory<byte>> pieces, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();

        // No step may be left behind running: it would read a piece whose memory is used again.
        RunFileWriter writer = await RunAsync(() => _runs.Begin(name), CancellationToken.None).ConfigureAwait(false);
        try
        {
            await foreach (ReadOnlyMemory<byte> piece in pieces.WithCancellation(cancellationToken).ConfigureAwait(false))
            {
                cancellationToken.ThrowIfCancellationRequested(); // the pieces need not look
                await RunAsync(() => writer.Write(piece), CancellationToken.None).ConfigureAwait(false);
            }

            await RunAsync(writer.Publish, CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            writer.Dispose();
        }
    }

    /// <inheritdoc/>
    public ValueTask<ReadOnlyMemory<byte>> ReadRunAsync(string name, long offset, int length, CancellationToken cancellationToken) =>
        RunAsync(() => _runs.Read(name, offset, length), cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<int> ReadRunAsync(string name, long offset, Memory<byte> to, CancellationToken cancellationToken)
    {
        // No read may be left behind: it would write to memory that is used again.
        cancellationToken.ThrowIfCancellationRequested();
        return await RunAsync(() => _runs.Read(name, offset, to), CancellationToken.None).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public ValueTask DeleteRunAsync(string name, CancellationToken cancellationToken) =>
        RunAsync(() => _runs.Delete(name), cancellationToken);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<string>> ListRunsAsync(string prefix, CancellationToken cancellationToken) =>
        RunAsync(() => _runs.List(prefix), cancellationToken);

    /// <summary>Stops all writers and lets go of the folder.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;

        // A caller that has stopped waiting leaves its work running: the folder is not let go of before it ends.
        if (Volatile.Read(ref _running) > 0)
        {
            await _idle.Task.ConfigureAwait(false);
        }

        foreach (Journal journal in _journals.Values)
        {
            JournalWriter? writer;
            lock (journal.Sync)
            {
                writer = journal.Writer;
            }

            if (writer is not null)
            {
                await writer.DisposeAsync().ConfigureAwait(false);
            }
        }

        await _pool.IdleAsync().ConfigureAwait(false);
        _folder.Dispose();
    }

    /// <summary>
    /// For tests: stops a journal's writer as a crash would, and loses what it had written but not confirmed, in whole or
    /// in part. Never touches a confirmed byte.
    /// </summary>
    /// <returns>How many bytes were lost; 0 when the journal has no writer in this process.</returns>
    internal async Task<long> CutTailAsync(string journal, Random random, TailCut cut)
    {
        Journal found = Find(journal);
        JournalWriter? writer;
        lock (found.Sync)
        {
            writer = found.Writer;
        }

        return writer is null ? 0 : await writer.CutTailAsync(random, cut).ConfigureAwait(false);
    }

    // Where it is torn follows from the journal's name, so that a test that fails fails again.
    async ValueTask ILosesTails.CutTailAsync(string journal, bool torn, CancellationToken cancellationToken)
    {
        var random = new Random((int)Crc32C.Compute(StoredNames.Encode(journal)));
        await CutTailAsync(journal, random, torn ? TailCut.AtRandomByte : TailCut.All).WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    private Journal Find(string journal) => _journals.GetOrAdd(journal, static (name, context) => new Journal(context, name), _context);

    private void Forget(Journal journal) => _journals.TryRemove(new KeyValuePair<string, Journal>(journal.Name, journal));

    // File calls block; they must not block the caller, which may be a silo's loop.
    private ValueTask<T> RunAsync<T>(Func<T> work, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();

        // Counted before it is looked whether the storage is still open: whoever disposes it waits for all that is counted.
        Interlocked.Increment(ref _running);
        if (_isDisposed)
        {
            Ended();
            throw new ObjectDisposedException(nameof(FileStorage));
        }

        Task<T> task = _threads.Run(
            () =>
            {
                try
                {
                    return work();
                }
                finally
                {
                    Ended();
                }
            });
        return new ValueTask<T>(cancellationToken.CanBeCanceled ? task.WaitAsync(cancellationToken) : task);
    }

    private async ValueTask RunAsync(Action work, CancellationToken cancellationToken) => await RunAsync(
        () =>
        {
            work();
            return true;
        },
        cancellationToken).ConfigureAwait(false);

    private void Ended()
    {
        if (Interlocked.Decrement(ref _running) == 0 && _isDisposed)
        {
            _idle.TrySetResult();
        }
    }
}

using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Azure.Core;
using Azure.Storage.Blobs;
using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Azure;

/// <summary>
/// Journals, records and runs in one container of Azure Blob Storage. Any number of processes may have it open; what fences
/// them from each other is in the blobs.
/// </summary>
public sealed class AzureBlobStorage : IStorage
{
    private readonly AzureBlobStorageOptions _options;
    private readonly RequestCounter _counter;
    private readonly BlobRequests _requests;
    private readonly BlobStore _store;
    private readonly BlobRecordStore _records;
    private readonly BlobRunStore _runs;
    private readonly ConcurrentDictionary<string, BlobJournal> _journals = new(StringComparer.Ordinal);
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _isDisposed;
    private int _running;

    private AzureBlobStorage(BlobServiceClient client, AzureBlobStorageOptions options, IMeterFactory? meters)
    {
        _options = options;
        _counter = new RequestCounter(meters);
        _requests = new BlobRequests(options, _counter);
        _store = new BlobStore(client.GetBlobContainerClient(options.ContainerName), _requests);
        _records = new BlobRecordStore(_store, () => ConfirmedPlace.Format(_journals.Values.Select(j => (j.Name, j.OwnPlace)).Where(p => p.OwnPlace.Lsn > 0)));
        _runs = new BlobRunStore(_store);
    }

    /// <inheritdoc/>
    public TimeSpan AppendEvery => _options.FlushEvery;

    /// <summary>How many requests have been made so far, by kind.</summary>
    public IReadOnlyDictionary<RequestKind, long> GetRequestCounts() => _counter.ToDictionary();

    /// <summary>Opens the container of a deployment, and makes it if there is none.</summary>
    /// <param name="connectionString">Of the storage account.</param>
    /// <param name="options">How to use it.</param>
    /// <param name="meters">Makes the meter that counts requests.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArgumentException">The connection string or an option is not valid.</exception>
    /// <exception cref="StorageException">The account cannot be reached, or does not let this application in.</exception>
    public static Task<AzureBlobStorage> OpenAsync(
        string connectionString, AzureBlobStorageOptions? options = null, IMeterFactory? meters = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(connectionString);
        options ??= new AzureBlobStorageOptions();
        return OpenAsync(BlobClients.Create(connectionString, options), options, meters, cancellationToken);
    }

    /// <summary>As the other, by the address of the account and a credential of Azure.Identity.</summary>
    /// <param name="endpoint">Such as <c>https://account.blob.core.windows.net</c>.</param>
    /// <param name="credential">Who asks.</param>
    /// <param name="options">How to use it.</param>
    /// <param name="meters">Makes the meter that counts requests.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static Task<AzureBlobStorage> OpenAsync(
        Uri endpoint, TokenCredential credential, AzureBlobStorageOptions? options = null, IMeterFactory? meters = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        ArgumentNullException.ThrowIfNull(credential);
        options ??= new AzureBlobStorageOptions();
        return OpenAsync(BlobClients.Create(endpoint, credential, options), options, meters, cancellationToken);
    }

    /// <summary>As the other, with a client that the application has made.</summary>
    /// <param name="client">The client. If it repeats requests by itself, they are not counted, and a failure shows later; nothing else changes.</param>
    /// <param name="options">How to use it.</param>
    /// <param name="meters">Makes the meter that counts requests.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<AzureBlobStorage> OpenAsync(
        BlobServiceClient client, AzureBlobStorageOptions? options = null, IMeterFactory? meters = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(client);
        options ??= new AzureBlobStorageOptions();
        options.Validate();
        var storage = new AzureBlobStorage(client, options, meters);
        try
        {
            await storage._store.CreateContainerAsync(cancellationToken).ConfigureAwait(false);
            return storage;
        }
        catch
        {
            await storage.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <inheritdoc/>
    public ValueTask<IJournalWriter> CreateJournalAsync(string journal, CancellationToken cancellationToken) =>
        RunAsync<IJournalWriter>(async cancel => await BlobJournalWriter.CreateAsync(Find(journal), cancel).ConfigureAwait(false), cancellationToken);

    /// <inheritdoc/>
    public ValueTask<long> SealJournalAsync(string journal, CancellationToken cancellationToken) =>
        RunAsync(cancel => BlobJournalSealer.SealAsync(Find(journal), cancel), cancellationToken);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<StoredFrame>> ReadFramesAsync(string journal, long fromLsn, long toLsn, int maxBytes, CancellationToken cancellationToken) =>
        RunAsync(cancel => BlobJournalReader.ReadAsync(Find(journal), fromLsn, toLsn, maxBytes, cancel), cancellationToken);

    /// <inheritdoc/>
    public ValueTask TrimJournalAsync(string journal, long belowLsn, CancellationToken cancellationToken) =>
        RunAsync(cancel => BlobJournalTrimmer.TrimAsync(Find(journal), belowLsn, cancel), cancellationToken);

    /// <inheritdoc/>
    public ValueTask<StoredRecord?> ReadRecordAsync(string name, CancellationToken cancellationToken) =>
        RunAsync(cancel => _records.ReadAsync(name, cancel), cancellationToken);

    /// <inheritdoc/>
    public ValueTask<string?> SwapRecordAsync(string name, string? expectedTag, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        RunAsync(cancel => _records.SwapAsync(name, expectedTag, content, cancel), cancellationToken);

    /// <inheritdoc/>
    public ValueTask WriteRunAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        RunAsync(cancel => _runs.WriteAsync(name, content, cancel), cancellationToken);

    /// <inheritdoc/>
    public ValueTask WriteRunAsync(string name, IAsyncEnumerable<ReadOnlyMemory<byte>> pieces, CancellationToken cancellationToken) =>
        RunAsync(cancel => _runs.WriteAsync(name, pieces, cancel), cancellationToken);

    /// <inheritdoc/>
    public ValueTask<ReadOnlyMemory<byte>> ReadRunAsync(string name, long offset, int length, CancellationToken cancellationToken) =>
        RunAsync(cancel => _runs.ReadAsync(name, offset, length, cancel), cancellationToken);

    /// <inheritdoc/>
    public ValueTask DeleteRunAsync(string name, CancellationToken cancellationToken) =>
        RunAsync(cancel => _runs.DeleteAsync(name, cancel), cancellationToken);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<string>> ListRunsAsync(string prefix, CancellationToken cancellationToken) =>
        RunAsync(cancel => _runs.ListAsync(prefix, cancel), cancellationToken);

    /// <summary>Ends all calls under way, and waits for what they have asked for; then stops all writers.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        await _requests.StopAsync().ConfigureAwait(false);
        foreach (BlobJournal journal in _journals.Values)
        {
            BlobJournalWriter? writer;
            lock (journal.Sync)
            {
                writer = journal.Writer;
            }

            if (writer is not null)
            {
                await writer.DisposeAsync().ConfigureAwait(false);
            }
        }

        if (Volatile.Read(ref _running) > 0)
        {
            await _idle.Task.ConfigureAwait(false);
        }

        _requests.Dispose();
        _counter.Dispose();
    }

    private BlobJournal Find(string journal) =>
        _journals.GetOrAdd(journal, static (name, self) => new BlobJournal(self._store, self._options, name), this);

    private async ValueTask RunAsync(Func<CancellationToken, Task> work, CancellationToken cancellationToken) => await RunAsync(
        async cancel =>
        {
            await work(cancel).ConfigureAwait(false);
            return true;
        },
        cancellationToken).ConfigureAwait(false);

    private async ValueTask<T> RunAsync<T>(Func<CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        // Counted before it is looked whether the storage is still open: whoever disposes it waits for all that is counted.
        Interlocked.Increment(ref _running);
        try
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            cancellationToken.ThrowIfCancellationRequested();
            return await work(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_isDisposed && !cancellationToken.IsCancellationRequested)
        {
            throw new ObjectDisposedException(nameof(AzureBlobStorage));
        }
        finally
        {
            if (Interlocked.Decrement(ref _running) == 0 && _isDisposed)
            {
                _idle.TrySetResult();
            }
        }
    }
}

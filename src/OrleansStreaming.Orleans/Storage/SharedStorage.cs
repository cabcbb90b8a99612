using Microsoft.Extensions.DependencyInjection;
using OrleansStreaming.Core;

namespace OrleansStreaming.Clustering;

/// <summary>
/// The storage of the application, opened once for all in the process that use it: the engine, the membership table, grain
/// storage. Each takes a lease, and ends nothing but its lease. Thread-safe.
/// </summary>
/// <remarks>It is disposed with the services, after those that got it from them: what leases are left then end first.</remarks>
internal sealed class SharedStorage(IServiceProvider services) : IAsyncDisposable
{
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly HashSet<StorageLease> _leases = [];
    private IStorage? _storage;
    private bool _isDisposed;

    /// <summary>Takes a lease; the first opens the storage. When that fails or is given up, the next caller tries again.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The storage; its disposal ends the lease alone.</returns>
    /// <exception cref="InvalidOperationException">No storage is configured.</exception>
    /// <exception cref="StorageException">It cannot be opened.</exception>
    public async ValueTask<IStorage> LeaseAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            if (_storage is null)
            {
                StorageFactory open = services.GetService<StorageFactory>()
                    ?? throw new InvalidOperationException("No storage is configured. Add one in AddStreaming, such as .UseAzureBlobs(connectionString).");
                _storage = await open(services, cancellationToken).ConfigureAwait(false);
            }

            StorageLease lease = _storage is ILosesTails tails ? new StorageLease.WithTails(_storage, tails, Forget) : new StorageLease(_storage, Forget);
            lock (_leases)
            {
                _leases.Add(lease);
            }

            return lease;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Ends all leases, then closes the storage.</summary>
    public async ValueTask DisposeAsync()
    {
        await _gate.WaitAsync().ConfigureAwait(false);
        try
        {
            if (_isDisposed)
            {
                return;
            }

            _isDisposed = true;
            StorageLease[] left;
            lock (_leases)
            {
                left = [.. _leases];
            }

            await Task.WhenAll(left.Select(lease => lease.DisposeAsync().AsTask())).ConfigureAwait(false);
            if (_storage is not null)
            {
                await _storage.DisposeAsync().ConfigureAwait(false);
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    private void Forget(StorageLease lease)
    {
        lock (_leases)
        {
            _leases.Remove(lease);
        }
    }
}

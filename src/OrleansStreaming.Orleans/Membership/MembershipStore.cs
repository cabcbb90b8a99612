using OrleansStreaming.Core;

namespace OrleansStreaming.Clustering;

/// <summary>Reads and changes membership records in the storage of this process. Thread-safe.</summary>
/// <remarks>Every operation has a limit of its own, whatever token comes with it: a silo must notice that it cannot reach its storage.</remarks>
internal sealed class MembershipStore(SharedStorage shared, TimeProvider time) : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly SemaphoreSlim _opening = new(1, 1);
    private IStorage? _storage;

    /// <exception cref="StorageException">Storage cannot be opened or read, or does not answer.</exception>
    public Task<MembershipRecord> ReadAsync(string clusterId, CancellationToken cancellationToken) => InTimeAsync(
        async (storage, cancel) => MembershipRecord.Parse(clusterId, await storage.ReadRecordAsync(MembershipRecord.NameOf(clusterId), cancel).ConfigureAwait(false)),
        $"reading the members of cluster '{clusterId}'",
        cancellationToken);

    /// <summary>Changes a record. A change that meets another one is made anew on what that has left.</summary>
    /// <param name="clusterId">The cluster.</param>
    /// <param name="change">What becomes of the record, or null to leave it. Called again when the record has changed meanwhile.</param>
    /// <param name="cancellationToken">Gives up; the change may have taken effect.</param>
    /// <returns>Whether it was changed.</returns>
    /// <exception cref="StorageException">As for reading; the change may have taken effect when it says that it is ambiguous.</exception>
    public Task<bool> ChangeAsync(string clusterId, Func<MembershipRecord, MembershipRecord?> change, CancellationToken cancellationToken) => InTimeAsync(
        async (storage, cancel) =>
        {
            string name = MembershipRecord.NameOf(clusterId);
            for (int attempt = 0; ; attempt++)
            {
                StoredRecord? stored = await storage.ReadRecordAsync(name, cancel).ConfigureAwait(false);
                if (change(MembershipRecord.Parse(clusterId, stored)) is not { } changed)
                {
                    return false;
                }

                if (await storage.SwapRecordAsync(name, stored?.Tag, changed.ToBytes(), cancel).ConfigureAwait(false) is not null)
                {
                    return true;
                }

                // Others write, too. Each failure of one is a success of another, and waiting lets fewer of them meet.
                await Task.Delay(TimeSpan.FromMilliseconds(Random.Shared.Next(5 << Math.Min(attempt, 5))), time, cancel).ConfigureAwait(false);
            }
        },
        $"changing the members of cluster '{clusterId}'",
        cancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (_storage is not null)
        {
            await _storage.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async Task<T> InTimeAsync<T>(Func<IStorage, CancellationToken, Task<T>> operation, string what, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(Limit, time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            return await operation(_storage ?? await OpenAsync(either.Token).ConfigureAwait(false), either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (either.IsCancellationRequested)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw new StorageException($"Storage has not answered for {Limit.TotalSeconds:0} s while {what}.", e) { Ambiguous = true };
        }
    }

    private async Task<IStorage> OpenAsync(CancellationToken cancellationToken)
    {
        await _opening.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return _storage ??= await shared.LeaseAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (StorageException e)
        {
            throw new StorageException(
                $"The members of the cluster are kept in a storage that cannot be opened: {e.Message} A folder of UseFiles belongs to one process at a time: silos and clients in several processes need UseAzureBlobs.", e);
        }
        finally
        {
            _opening.Release();
        }
    }
}

namespace OrleansStreaming.Testing;

/// <summary>One case of <see cref="StorageConformance"/>.</summary>
public sealed class StorageConformanceCase
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);
    private readonly Func<StorageTrial, Task> _body;

    internal StorageConformanceCase(string name, string description, Func<StorageTrial, Task> body, StorageAbilities needs = StorageAbilities.None)
    {
        Name = name;
        Description = description;
        Needs = needs;
        _body = body;
    }

    /// <summary>In lower case, with hyphens; unique.</summary>
    public string Name { get; }

    /// <summary>What must hold, in a sentence.</summary>
    public string Description { get; }

    /// <summary>What must be possible with the storage under test.</summary>
    public StorageAbilities Needs { get; }

    /// <summary>Checks a storage. Disposes of the instances that it has opened, not of <paramref name="storage"/>.</summary>
    /// <param name="storage">The storage.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="StorageConformanceException">A clause is broken, or a call has not ended within a minute.</exception>
    /// <exception cref="Core.StorageException">The storage has failed where nothing had been done to it, and so nothing is proven.</exception>
    /// <exception cref="NotSupportedException">The storage lacks an ability that the case needs.</exception>
    public Task RunAsync(IStorageUnderTest storage, CancellationToken cancellationToken) => RunAsync(storage, Limit, cancellationToken);

    /// <summary>The name.</summary>
    public override string ToString() => Name;

    internal async Task RunAsync(IStorageUnderTest storage, TimeSpan limit, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(storage);
        if ((Needs & ~storage.Abilities) is not StorageAbilities.None and var missing)
        {
            throw new NotSupportedException($"{Name} needs {missing}");
        }

        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var trial = new StorageTrial(Name, storage, limited.Token);
        Task running = Task.Run(() => _body(trial), CancellationToken.None);
        try
        {
            await running.WaitAsync(limit, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException) when (!running.IsCompleted)
        {
            throw new StorageConformanceException(Name, "every call ends", $"an end within {limit.TotalSeconds} s", "none");
        }
        finally
        {
            await limited.CancelAsync().ConfigureAwait(false);
            if (running.IsCompleted)
            {
                await trial.DisposeAsync().ConfigureAwait(false);
            }
            else
            {
                trial.Release();
            }
        }
    }
}

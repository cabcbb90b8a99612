using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using OrleansStreaming.Core;
using OrleansStreaming.Testing;

namespace OrleansStreaming.Clustering.Tests;

/// <summary>Leases of storage in memory, put to the conformance kit: each of a process of its own, or all of the same process.</summary>
internal sealed class LeasesUnderTest(bool oneProcess) : IStorageUnderTest
{
    private readonly InMemoryStorage _data = new();
    private readonly ConcurrentBag<ServiceProvider> _processes = [];
    private readonly ConcurrentDictionary<IStorage, InMemoryStorage> _opened = new();

    public StorageAbilities Abilities => StorageAbilities.Shared | StorageAbilities.Pauses | StorageAbilities.Crashes;

    public async ValueTask<IStorage> OpenAsync(CancellationToken cancellationToken)
    {
        InMemoryStorage inner = _data;
        ServiceProvider process;
        if (!oneProcess || !_processes.TryPeek(out process!))
        {
            inner = oneProcess ? _data : _data.Share();
            _processes.Add(process = Apps.With(inner));
        }

        IStorage lease = await process.GetRequiredService<SharedStorage>().LeaseAsync(cancellationToken);
        _opened[lease] = inner;
        return lease;
    }

    public void PauseAppend(IStorage storage, string journal, AppendPause pause) =>
        _opened[storage].AtStep = (name, step) => name == journal && step == pause.Step ? pause.Arrive() : Task.CompletedTask;

    public ValueTask CrashAsync(IStorage storage, string journal, Random random)
    {
        _opened[storage].CutTail(journal, random);
        return default;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (ServiceProvider process in _processes)
        {
            await process.DisposeAsync();
        }

        await _data.DisposeAsync();
    }
}

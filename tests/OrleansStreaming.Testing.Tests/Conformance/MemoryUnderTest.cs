using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Tests.Conformance;

/// <summary>The storage in memory, put to the conformance kit.</summary>
internal sealed class MemoryUnderTest : IStorageUnderTest
{
    private readonly InMemoryStorage _data = new();

    public StorageAbilities Abilities => StorageAbilities.Shared | StorageAbilities.Pauses | StorageAbilities.Crashes;

    public ValueTask<IStorage> OpenAsync(CancellationToken cancellationToken) => ValueTask.FromResult<IStorage>(_data.Share());

    public void PauseAppend(IStorage storage, string journal, AppendPause pause) =>
        ((InMemoryStorage)storage).AtStep = (name, step) => name == journal && step == pause.Step ? pause.Arrive() : Task.CompletedTask;

    public ValueTask CrashAsync(IStorage storage, string journal, Random random)
    {
        ((InMemoryStorage)storage).CutTail(journal, random);
        return default;
    }

    public ValueTask DisposeAsync() => _data.DisposeAsync();
}

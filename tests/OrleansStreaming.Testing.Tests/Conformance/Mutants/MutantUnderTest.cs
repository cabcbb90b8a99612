using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Tests.Conformance;

/// <summary>Memory, behind a medium that may fail, behind something that may break a clause.</summary>
internal sealed class MutantUnderTest(Func<IStorage, IStorage> mutate) : IStorageUnderTest
{
    private readonly MemoryUnderTest _memory = new();
    private readonly Dictionary<IStorage, LossyStorage> _lossy = [];

    public StorageAbilities Abilities => _memory.Abilities | StorageAbilities.LosesAnswers;

    public async ValueTask<IStorage> OpenAsync(CancellationToken cancellationToken)
    {
        var lossy = new LossyStorage(await _memory.OpenAsync(cancellationToken));
        IStorage mutant = mutate(lossy);
        _lossy[mutant] = lossy;
        return mutant;
    }

    public void PauseAppend(IStorage storage, string journal, AppendPause pause) => _memory.PauseAppend(_lossy[storage].Inner, journal, pause);

    public ValueTask CrashAsync(IStorage storage, string journal, Random random) => _memory.CrashAsync(_lossy[storage].Inner, journal, random);

    public void LoseAnswer(IStorage storage, StorageCall call, bool takesEffect) => _lossy[storage].Lose(call, takesEffect);

    public ValueTask DisposeAsync() => _memory.DisposeAsync();
}

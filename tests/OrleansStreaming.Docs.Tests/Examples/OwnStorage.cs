using OrleansStreaming.Core;
using OrleansStreaming.Testing;

namespace OrleansStreaming.Docs.Tests.Examples.OwnStorage;

public sealed class MyStorageUnderTest : IStorageUnderTest
{
    private readonly InMemoryStorage _data = new();

    public StorageAbilities Abilities => StorageAbilities.Shared;

    public ValueTask<IStorage> OpenAsync(CancellationToken cancellationToken) => ValueTask.FromResult<IStorage>(_data.Share());

    public ValueTask DisposeAsync() => _data.DisposeAsync();
}

public sealed class MyStorageTests
{
    public static TheoryData<string> Cases => [.. StorageConformance.For(StorageAbilities.Shared).Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task My_storage_keeps_the_contract(string name)
    {
        await using var storage = new MyStorageUnderTest();
        await StorageConformance.Find(name).RunAsync(storage, TestContext.Current.CancellationToken);
    }
}

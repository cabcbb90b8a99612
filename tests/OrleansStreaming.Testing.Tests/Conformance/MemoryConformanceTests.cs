namespace OrleansStreaming.Testing.Tests.Conformance;

public sealed class MemoryConformanceTests
{
    public static TheoryData<string> Cases => [.. StorageConformance.For(StorageAbilities.Shared | StorageAbilities.Pauses | StorageAbilities.Crashes).Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Memory_keeps_the_contract(string name)
    {
        await using var storage = new MemoryUnderTest();
        await StorageConformance.Find(name).RunAsync(storage, TestContext.Current.CancellationToken);
    }
}

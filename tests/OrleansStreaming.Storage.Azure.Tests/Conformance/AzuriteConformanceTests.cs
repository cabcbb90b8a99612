using OrleansStreaming.Testing;

namespace OrleansStreaming.Storage.Azure.Tests;

public sealed class AzuriteConformanceTests(Azurite azurite)
{
    public static TheoryData<string> Cases => [.. StorageConformance.For(AzuriteUnderTest.All).Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Blobs_keep_the_contract(string name)
    {
        await using var storage = new AzuriteUnderTest(azurite.ConnectionString, azurite.NextContainer());
        await StorageConformance.Find(name).RunAsync(storage, TestContext.Current.CancellationToken);
    }
}

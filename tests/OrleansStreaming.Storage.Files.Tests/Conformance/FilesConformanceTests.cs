using OrleansStreaming.Testing;

namespace OrleansStreaming.Storage.Files.Tests;

public sealed class FilesConformanceTests
{
    public static TheoryData<string> Cases =>
        [.. StorageConformance.For(StorageAbilities.Pauses | StorageAbilities.Crashes | StorageAbilities.LosesAnswers).Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Files_keep_the_contract(string name)
    {
        await using var storage = new FilesUnderTest();
        await StorageConformance.Find(name).RunAsync(storage, TestContext.Current.CancellationToken);
    }
}

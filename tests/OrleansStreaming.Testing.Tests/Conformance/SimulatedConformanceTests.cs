namespace OrleansStreaming.Testing.Tests.Conformance;

public sealed class SimulatedConformanceTests
{
    public static TheoryData<string> Cases => [.. StorageConformance.Cases.Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task The_storage_of_the_simulator_keeps_the_contract(string name)
    {
        for (ulong seed = 1; seed <= 2; seed++)
        {
            await using var storage = new SimulatedUnderTest(seed);
            await StorageConformance.Find(name).RunAsync(storage, TestContext.Current.CancellationToken);
            storage.Failure.ShouldBeNull();
        }
    }
}

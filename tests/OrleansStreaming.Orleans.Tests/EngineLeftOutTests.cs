namespace OrleansStreaming.Orleans.Tests;

/// <summary>Built only without Orleans: says of every test of the Orleans engine that it was left out, and why.</summary>
public sealed class EngineLeftOutTests
{
    public static IEnumerable<TheoryDataRow<string>> Tests => EngineTestList.Names.Select(name => new TheoryDataRow<string>(name) { TestDisplayName = name });

    [Theory]
    [MemberData(nameof(Tests))]
    public void Needs_Orleans(string test)
    {
        test.ShouldNotBeNullOrWhiteSpace();
        OrleansSwitch.SkipWhenUnavailable();
        Assert.Fail("Orleans is available: this should not have been built.");
    }
}

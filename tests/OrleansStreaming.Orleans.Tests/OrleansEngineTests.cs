namespace OrleansStreaming.Orleans.Tests;

public sealed class OrleansEngineTests
{
    [Fact]
    public void The_answer_of_the_probe_reaches_the_build()
    {
        OrleansSwitch.Version.ShouldNotBeNullOrWhiteSpace();
        OrleansSwitch.SkipReason.ShouldContain(OrleansSwitch.Version);
    }

    [Fact]
    public void Orleans_can_be_restored_where_the_probe_said_so()
    {
        OrleansSwitch.SkipWhenUnavailable();

        // Restoring the packages wrote the list of what they brought in.
        var assets = Path.Combine(Repository.Root, "artifacts", "orleans-probe", "project.assets.json");
        File.ReadAllText(assets).ShouldContain($"Microsoft.Orleans.Server/{OrleansSwitch.Version}");
    }
}

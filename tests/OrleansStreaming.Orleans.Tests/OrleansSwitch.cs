using System.Reflection;

namespace OrleansStreaming.Orleans.Tests;

/// <summary>What the build found out about Orleans, and why tests of the Orleans engine are skipped where it is missing.</summary>
internal static class OrleansSwitch
{
    public static string Version { get; } = Metadata("OrleansVersion");

    public static bool IsAvailable { get; } = bool.Parse(Metadata("OrleansAvailable"));

    public static string SkipReason { get; } =
        $"Orleans {Version} is not available from the package sources this was built with; the Orleans engine was not built.";

    public static void SkipWhenUnavailable() => Assert.SkipUnless(IsAvailable, SkipReason);

    private static string Metadata(string key) =>
        typeof(OrleansSwitch).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == key).Value
        ?? throw new InvalidOperationException($"The build did not set the assembly metadata '{key}'.");
}

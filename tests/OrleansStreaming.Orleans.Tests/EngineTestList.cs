using System.Reflection;

namespace OrleansStreaming.Orleans.Tests;

/// <summary>The names of all tests under <c>Engine/</c>, as <c>Engine/tests.txt</c> keeps them: known where those tests cannot be built, too.</summary>
internal static class EngineTestList
{
    public static IReadOnlyList<string> Names { get; } = Read();

    private static string[] Read()
    {
        using Stream list = Assembly.GetExecutingAssembly().GetManifestResourceStream("tests.txt")
            ?? throw new InvalidOperationException("The build did not embed Engine/tests.txt.");
        using var reader = new StreamReader(list);
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }
}

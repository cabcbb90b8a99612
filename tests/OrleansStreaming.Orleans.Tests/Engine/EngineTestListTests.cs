using System.Reflection;
using System.Runtime.CompilerServices;
using OrleansStreaming.Orleans.Tests;

namespace OrleansStreaming.Clustering.Tests;

/// <summary>Keeps <c>tests.txt</c>, from which the tests of this folder are reported as skipped where Orleans is missing, in step with them.</summary>
public sealed class EngineTestListTests
{
    private const string Rewrite = "ENGINE_TESTS_REWRITE";

    [Fact]
    public void The_list_of_tests_names_all_that_are_here()
    {
        string folder = Path.GetDirectoryName(ThisFile())!;
        string[] names = [.. Assembly.GetExecutingAssembly().GetTypes().Where(type => !type.IsAbstract || type.IsSealed)
            .SelectMany(type => type.GetMethods().Where(method => IsTestBelow(folder, method)).Select(method => $"{type.Name}.{method.Name}"))
            .Order(StringComparer.Ordinal)];
        names.ShouldContain($"{nameof(EngineTestListTests)}.{nameof(The_list_of_tests_names_all_that_are_here)}");
        names.ShouldBeUnique();

        if (Environment.GetEnvironmentVariable(Rewrite) is { Length: > 0 })
        {
            File.WriteAllText(Path.Combine(folder, "tests.txt"), string.Concat(names.Select(name => name + "\n")));
            return;
        }

        names.ShouldBe(EngineTestList.Names, $"Engine/tests.txt is out of date. Run this test once with the environment variable {Rewrite}=1, which rewrites it, and commit it.");
    }

    // A test knows the file it was written in: no rule about namespaces is needed.
    private static bool IsTestBelow(string folder, MethodInfo method) =>
        method.GetCustomAttribute<FactAttribute>()?.SourceFilePath is { } file && file.StartsWith(folder, StringComparison.Ordinal);

    private static string ThisFile([CallerFilePath] string path = "") => path;
}

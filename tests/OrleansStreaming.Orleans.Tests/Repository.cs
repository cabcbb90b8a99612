using System.Runtime.CompilerServices;

namespace OrleansStreaming.Orleans.Tests;

/// <summary>The checkout these tests were built from.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    private static string Find()
    {
        // Where the build wrote to need not be below the repository; where this file was compiled from is.
        foreach (var start in new[] { SourceFolder(), AppContext.BaseDirectory })
        {
            for (var folder = new DirectoryInfo(start); folder is not null; folder = folder.Parent)
            {
                if (File.Exists(Path.Combine(folder.FullName, "OrleansStreaming.sln")))
                {
                    return folder.FullName;
                }
            }
        }

        throw new InvalidOperationException($"No OrleansStreaming.sln above {SourceFolder()} or {AppContext.BaseDirectory}.");
    }

    private static string SourceFolder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}

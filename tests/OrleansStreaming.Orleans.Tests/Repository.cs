namespace OrleansStreaming.Orleans.Tests;

/// <summary>The checkout these tests were built from.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "OrleansStreaming.sln")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException($"No OrleansStreaming.sln above {AppContext.BaseDirectory}.");
    }
}

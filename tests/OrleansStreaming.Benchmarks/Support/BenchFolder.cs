namespace OrleansStreaming.Benchmarks;

/// <summary>A new folder on a real disk, deleted at the end.</summary>
internal sealed class BenchFolder : IDisposable
{
    private BenchFolder(string path, string kind) => (Path, Kind) = (path, kind);

    public string Path { get; }

    /// <summary>The file system that it is on, such as <c>ext4</c>.</summary>
    public string Kind { get; }

    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>Makes the folder.</summary>
    /// <param name="parent">Where, or null for the folder for temporary files; when that one is memory, the current folder.</param>
    public static BenchFolder Create(string? parent)
    {
        parent ??= KindOf(System.IO.Path.GetTempPath()) == "tmpfs" ? Environment.CurrentDirectory : System.IO.Path.GetTempPath();
        string path = System.IO.Path.Combine(parent, $"orleansstreaming-bench-{Guid.NewGuid():n}");
        Directory.CreateDirectory(path);
        return new BenchFolder(path, KindOf(path));
    }

    public void Dispose()
    {
        try
        {
            Directory.Delete(Path, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"{Path} could not be deleted: {e.Message}");
        }
    }

    private static string KindOf(string path)
    {
        string full = System.IO.Path.GetFullPath(path);
        DriveInfo? drive = DriveInfo.GetDrives()
            .Where(d => d.IsReady && full.StartsWith(d.RootDirectory.FullName, StringComparison.Ordinal))
            .MaxBy(d => d.RootDirectory.FullName.Length);
        return drive?.DriveFormat ?? "unknown";
    }
}

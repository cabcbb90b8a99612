namespace OrleansStreaming.Storage.Files.Tests;

/// <summary>A folder that lives as long as a test.</summary>
internal sealed class TempFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("os-files-").FullName;

    public string this[params string[] parts] => System.IO.Path.Combine([Path, .. parts]);

    /// <summary>Copies all files, to damage the copy.</summary>
    public TempFolder Copy()
    {
        var copy = new TempFolder();
        foreach (string directory in Directory.GetDirectories(Path, "*", SearchOption.AllDirectories))
        {
            Directory.CreateDirectory(directory.Replace(Path, copy.Path, StringComparison.Ordinal));
        }

        foreach (string file in Directory.GetFiles(Path, "*", SearchOption.AllDirectories))
        {
            File.Copy(file, file.Replace(Path, copy.Path, StringComparison.Ordinal));
        }

        return copy;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

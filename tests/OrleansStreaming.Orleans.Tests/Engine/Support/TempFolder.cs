namespace OrleansStreaming.Clustering.Tests;

/// <summary>A folder for one test.</summary>
internal sealed class TempFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("orleans-tests-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

namespace OrleansStreaming.Storage.Files.Tests;

/// <summary>Files that say they have done what they have not: the bug that tests of durability must find.</summary>
internal sealed class LyingFileSystem(Func<FileOperation, bool> lie) : RecordingFileSystem
{
    /// <summary>Flushes nothing; for tests that make many files and lose none by a loss of power.</summary>
    public static LyingFileSystem WithoutFlushes() => new(operation => operation.Call is FileCall.Flush or FileCall.SyncDirectory);

    protected override bool Skips(FileOperation operation) => lie(operation);
}

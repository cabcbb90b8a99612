namespace OrleansStreaming.Storage.Files;

/// <summary>Writes small files whole or not at all: write aside, flush, rename, flush the folder.</summary>
internal sealed class AtomicFile(IFileSystem files, string temporaryFolder)
{
    private long _lastNumber;

    /// <summary>Begins a file that has no name yet.</summary>
    public AsideFile Begin(string path) => new(files, Path.Combine(temporaryFolder, $"{Interlocked.Increment(ref _lastNumber)}.tmp"), path);

    /// <summary>Makes a file durable under its name, replacing any that has it.</summary>
    /// <exception cref="Core.StorageException">It failed; ambiguous once the file may have its name.</exception>
    public void Publish(string path, IReadOnlyList<ReadOnlyMemory<byte>> pieces)
    {
        using AsideFile aside = Begin(path);
        aside.Write(pieces, 0);
        aside.Publish();
    }
}

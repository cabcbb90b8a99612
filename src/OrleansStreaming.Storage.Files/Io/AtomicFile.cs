namespace OrleansStreaming.Storage.Files;

/// <summary>Writes small files whole or not at all: write aside, flush, rename, flush the folder.</summary>
internal sealed class AtomicFile(IFileSystem files, string temporaryFolder)
{
    private long _lastNumber;

    /// <summary>Makes a file durable under its name, replacing any that has it.</summary>
    /// <exception cref="Core.StorageException">It failed; ambiguous once the file may have its name.</exception>
    public void Publish(string path, IReadOnlyList<ReadOnlyMemory<byte>> pieces)
    {
        string aside = Path.Combine(temporaryFolder, $"{Interlocked.Increment(ref _lastNumber)}.tmp");
        bool renamed = false;
        try
        {
            using (IFile file = files.Create(aside))
            {
                file.Write(pieces, 0);
                file.Flush();
            }

            files.Rename(aside, path);
            renamed = true;
            files.SyncDirectory(Path.GetDirectoryName(path)!);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            if (!renamed)
            {
                TryDelete(aside);
            }

            throw DiskErrors.Translate(e, $"writing {path}", ambiguous: renamed);
        }
    }

    private void TryDelete(string path)
    {
        try
        {
            files.Delete(path);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            // What stays in the temporary folder is deleted when the storage is opened next.
        }
    }
}

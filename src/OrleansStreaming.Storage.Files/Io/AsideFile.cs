namespace OrleansStreaming.Storage.Files;

/// <summary>A file that is written aside, and gets its name when it is whole and durable; else nothing of it stays.</summary>
internal sealed class AsideFile : IDisposable
{
    private readonly IFileSystem _files;
    private readonly string _aside;
    private readonly string _path;
    private IFile? _file;
    private bool _renamed;

    public AsideFile(IFileSystem files, string aside, string path)
    {
        _files = files;
        _aside = aside;
        _path = path;
        _file = Translate(() => files.Create(aside));
    }

    public void Write(IReadOnlyList<ReadOnlyMemory<byte>> pieces, long offset) => Translate(() =>
    {
        _file!.Write(pieces, offset);
        return true;
    });

    /// <summary>Makes the file durable under its name, replacing any that has it.</summary>
    /// <exception cref="Core.StorageException">It failed; ambiguous once the file may have its name.</exception>
    public void Publish() => Translate(() =>
    {
        _file!.Flush();
        _file.Dispose();
        _file = null;
        _files.Rename(_aside, _path);
        _renamed = true;
        _files.SyncDirectory(Path.GetDirectoryName(_path)!);
        return true;
    });

    public void Dispose()
    {
        _file?.Dispose();
        _file = null;
        if (!_renamed)
        {
            try
            {
                _files.Delete(_aside);
            }
            catch (Exception e) when (DiskErrors.IsDiskError(e))
            {
                // What stays in the temporary folder is deleted when the storage is opened next.
            }
        }
    }

    private T Translate<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            throw DiskErrors.Translate(e, $"writing {_path}", ambiguous: _renamed);
        }
    }
}

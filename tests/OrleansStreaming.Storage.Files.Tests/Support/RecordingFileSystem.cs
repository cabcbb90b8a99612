namespace OrleansStreaming.Storage.Files.Tests;

/// <summary>
/// Files that record every operation in its order. A hook before each may look, block (to pause a writer), throw (a
/// failing disk), or say that the operation is to be skipped (a lying one).
/// </summary>
internal class RecordingFileSystem : IFileSystem
{
    private readonly IFileSystem _inner = DiskFileSystem.Instance;
    private readonly Lock _lock = new();
    private readonly List<FileOperation> _log = [];
    private readonly List<RecordingFile> _open = [];

    /// <summary>Runs before each operation, outside of any lock of this class.</summary>
    public Action<FileOperation>? Before { get; set; }

    public FileOperation[] Log
    {
        get
        {
            lock (_lock)
            {
                return [.. _log];
            }
        }
    }

    /// <summary>Puts a remark between the operations.</summary>
    public void Note(string text) => Add(new FileOperation(FileCall.Note, text));

    public void ClearLog()
    {
        lock (_lock)
        {
            _log.Clear();
        }
    }

    public bool FileExists(string path) => Do(new(FileCall.FileExists, path), () => _inner.FileExists(path));

    public bool DirectoryExists(string path) => Do(new(FileCall.DirectoryExists, path), () => _inner.DirectoryExists(path));

    public IReadOnlyList<string> ListFiles(string folder) => Do(new(FileCall.List, folder), () => _inner.ListFiles(folder));

    public void CreateDirectory(string path) => Do(new(FileCall.CreateDirectory, path), () => _inner.CreateDirectory(path));

    public IFile Create(string path) => Do(new(FileCall.Create, path), () => Track(_inner.Create(path)));

    public IFile Open(string path, bool writable) => Do(new(FileCall.Open, path), () => Track(_inner.Open(path, writable)));

    public void Rename(string from, string to) => Do(new(FileCall.Rename, from, to), () =>
    {
        _inner.Rename(from, to);
        lock (_lock)
        {
            foreach (RecordingFile file in _open.Where(file => file.Path == from))
            {
                file.Path = to;
            }
        }
    });

    public void RenameDirectory(string from, string to) => Do(new(FileCall.RenameDirectory, from, to), () => _inner.RenameDirectory(from, to));

    public void Delete(string path) => Do(new(FileCall.Delete, path), () => _inner.Delete(path));

    public void DeleteDirectory(string path) => Do(new(FileCall.DeleteDirectory, path), () => _inner.DeleteDirectory(path));

    public void SyncDirectory(string path) => Do(new(FileCall.SyncDirectory, path), () => _inner.SyncDirectory(path));

    public IDisposable? TryLock(string path) => Do(new(FileCall.Lock, path), () => _inner.TryLock(path));

    /// <summary>Whether an operation is reported as done without being done.</summary>
    protected virtual bool Skips(FileOperation operation) => false;

    private void Do(FileOperation operation, Action action) => Do(operation, () =>
    {
        action();
        return true;
    });

    private T Do<T>(FileOperation operation, Func<T> action)
    {
        Before?.Invoke(operation);
        if (Skips(operation))
        {
            return default!;
        }

        // Recorded when done: an operation that failed, or has not returned yet, has promised nothing.
        T result = action();
        Add(operation);
        return result;
    }

    private void Add(FileOperation operation)
    {
        lock (_lock)
        {
            _log.Add(operation);
        }
    }

    private RecordingFile Track(IFile inner)
    {
        var file = new RecordingFile(this, inner);
        lock (_lock)
        {
            _open.Add(file);
        }

        return file;
    }

    private sealed class RecordingFile(RecordingFileSystem files, IFile inner) : IFile
    {
        public string Path { get; set; } = inner.Path;

        public long Length => inner.Length;

        public void Write(IReadOnlyList<ReadOnlyMemory<byte>> pieces, long offset)
        {
            try
            {
                files.Do(new(FileCall.Write, Path, null, offset, pieces.Sum(piece => (long)piece.Length)), () => inner.Write(pieces, offset));
            }
            catch (ShortWriteException e)
            {
                byte[] all = [.. pieces.SelectMany(piece => piece.ToArray())];
                inner.Write([all.AsMemory(0, Math.Min(e.Bytes, all.Length))], offset);
                throw e.InnerException!;
            }
        }

        public bool TryReserve(long length) => files.Do(new(FileCall.Reserve, Path, null, 0, length), () => inner.TryReserve(length));

        public int Read(Span<byte> to, long offset)
        {
            files.Before?.Invoke(new(FileCall.Read, Path, null, offset, to.Length));
            return inner.Read(to, offset);
        }

        public void Flush() => files.Do(new(FileCall.Flush, Path), inner.Flush);

        public void Dispose()
        {
            lock (files._lock)
            {
                files._open.Remove(this);
            }

            inner.Dispose();
        }
    }
}

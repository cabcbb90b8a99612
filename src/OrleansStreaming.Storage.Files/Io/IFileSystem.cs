namespace OrleansStreaming.Storage.Files;

/// <summary>
/// All that this storage asks of an operating system. Narrow, so that tests can record every operation in its order,
/// let any of them fail, and pause between any two.
/// </summary>
/// <remarks>Methods throw <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/>; callers translate.</remarks>
internal interface IFileSystem
{
    /// <summary>Whether a file exists; throws when it cannot be found out.</summary>
    bool FileExists(string path);

    bool DirectoryExists(string path);

    /// <summary>The names, without folder, of the files in a folder.</summary>
    IReadOnlyList<string> ListFiles(string folder);

    /// <summary>Creates a folder and those above it; nothing happens when it exists.</summary>
    void CreateDirectory(string path);

    /// <summary>Creates an empty file; fails if it exists.</summary>
    IFile Create(string path);

    IFile Open(string path, bool writable);

    /// <summary>Renames a file, replacing the target in one step.</summary>
    void Rename(string from, string to);

    /// <summary>Renames a folder; fails if the target exists.</summary>
    void RenameDirectory(string from, string to);

    /// <summary>Deletes a file; nothing happens when there is none.</summary>
    void Delete(string path);

    /// <summary>Deletes a folder with everything in it.</summary>
    void DeleteDirectory(string path);

    /// <summary>Makes the names in a folder durable: what was created, renamed or deleted there survives a loss of power.</summary>
    void SyncDirectory(string path);

    /// <summary>Locks a file until the result is disposed or the process ends; null when another holds it.</summary>
    IDisposable? TryLock(string path);
}

/// <summary>An open file.</summary>
internal interface IFile : IDisposable
{
    string Path { get; }

    long Length { get; }

    /// <summary>Writes all pieces one behind the other, in one system call where possible.</summary>
    void Write(IReadOnlyList<ReadOnlyMemory<byte>> pieces, long offset);

    /// <summary>Gives an empty file a length, with space for all of it, that reads as zeros, without writing any; false where the system cannot.</summary>
    bool TryReserve(long length);

    /// <summary>Reads until the span is full or the file ends.</summary>
    int Read(Span<byte> to, long offset);

    /// <summary>Makes what was written durable.</summary>
    void Flush();
}

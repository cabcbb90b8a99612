namespace OrleansStreaming.Storage.Files;

/// <summary>The real files.</summary>
internal sealed class DiskFileSystem : IFileSystem
{
    // Readers, the writer and whoever trims have a segment open at once; on Windows all must permit it.
    private const FileShare Everything = FileShare.ReadWrite | FileShare.Delete;

    public static readonly DiskFileSystem Instance = new();

    // File.Exists also says no when it could not find out, which would let a fenced writer go on.
    public bool FileExists(string path) => OperatingSystem.IsWindows() ? File.Exists(path) : Posix.Exists(path);

    public bool DirectoryExists(string path) => Directory.Exists(path);

    public IReadOnlyList<string> ListFiles(string folder)
    {
        string[] paths = Directory.GetFiles(folder);
        for (int i = 0; i < paths.Length; i++)
        {
            paths[i] = Path.GetFileName(paths[i]);
        }

        return paths;
    }

    public void CreateDirectory(string path) => Directory.CreateDirectory(path);

    public IFile Create(string path) =>
        new DiskFile(path, File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, Everything));

    public IFile Open(string path, bool writable) =>
        new DiskFile(path, File.OpenHandle(path, FileMode.Open, writable ? FileAccess.ReadWrite : FileAccess.Read, Everything));

    public void Rename(string from, string to) => File.Move(from, to, overwrite: true);

    public void RenameDirectory(string from, string to) => Directory.Move(from, to);

    public void Delete(string path) => File.Delete(path);

    public void DeleteDirectory(string path) => Directory.Delete(path, recursive: true);

    public void SyncDirectory(string path)
    {
        // Windows cannot flush a folder, and NTFS journals its names.
        if (!OperatingSystem.IsWindows())
        {
            Posix.SyncDirectory(path);
        }
    }

    public IDisposable? TryLock(string path)
    {
        try
        {
            return File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (DiskErrors.IsInUse(e))
        {
            return null;
        }
    }
}

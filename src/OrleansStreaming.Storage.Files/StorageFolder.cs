using System.Globalization;
using System.Text;
using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Files;

/// <summary>The folders of a storage, and the lock that keeps other processes out.</summary>
internal sealed class StorageFolder : IDisposable
{
    private readonly IDisposable? _lock;

    private StorageFolder(string root, string own, IDisposable? folderLock)
    {
        Root = root;
        Temporary = Path.Combine(root, "tmp" + own);
        Spares = Path.Combine(root, "spare" + own);
        _lock = folderLock;
    }

    public string Root { get; }

    public string Journals => Path.Combine(Root, "journals");

    public string Records => Path.Combine(Root, "records");

    public string Runs => Path.Combine(Root, "runs");

    /// <summary>Segments to be reused.</summary>
    public string Spares { get; }

    /// <summary>Files that do not have their name yet, and folders that have lost it. Empty after a start.</summary>
    public string Temporary { get; }

    public static StorageFolder Open(string root, FileStorageOptions options)
    {
        IFileSystem files = options.Files;
        StorageFolder? folder = null;
        try
        {
            files.CreateDirectory(root);

            // Without the lock two storages share the folder, which needs what each writes aside to be apart.
            string own = options.LockFolder ? "" : $"-{Guid.NewGuid():N}";
            folder = new StorageFolder(root, own, options.LockFolder ? Lock(files, root) : null);
            if (files.DirectoryExists(folder.Temporary))
            {
                files.DeleteDirectory(folder.Temporary);
            }

            foreach (string path in (string[])[folder.Journals, folder.Records, folder.Runs, folder.Spares, folder.Temporary])
            {
                files.CreateDirectory(path);
            }

            files.SyncDirectory(root);
            if (Path.GetDirectoryName(root) is { } parent)
            {
                files.SyncDirectory(parent);
            }

            return folder;
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            folder?.Dispose();
            throw DiskErrors.IsFull(e)
                ? DiskErrors.Translate(e, $"opening storage folder {root}")
                : new StorageException($"Storage folder {root} cannot be written: {e.Message}", e);
        }
    }

    public void Dispose() => _lock?.Dispose();

    private static IDisposable Lock(IFileSystem files, string root)
    {
        string ownerPath = Path.Combine(root, "owner");
        IDisposable? taken = files.TryLock(Path.Combine(root, "lock"));
        if (taken is null)
        {
            string owner = SmallFile.TryRead(files, ownerPath) is { } text ? Encoding.UTF8.GetString(text) : "another process";
            throw new StorageException($"Storage folder {root} is in use by {owner}. Only one process can use it.");
        }

        try
        {
            // Beside the lock: on some systems a locked file cannot be read. Only the message above needs it, so it is not flushed.
            files.Delete(ownerPath);
            using IFile file = files.Create(ownerPath);
            file.Write([Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"process {Environment.ProcessId} on {Environment.MachineName}"))], 0);
            return taken;
        }
        catch
        {
            taken.Dispose();
            throw;
        }
    }
}

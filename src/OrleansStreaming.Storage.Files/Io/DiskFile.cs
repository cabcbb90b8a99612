using Microsoft.Win32.SafeHandles;

namespace OrleansStreaming.Storage.Files;

/// <summary>A real file.</summary>
internal sealed class DiskFile(string path, SafeFileHandle handle) : IFile
{
    public string Path { get; } = path;

    public long Length => RandomAccess.GetLength(handle);

    public void Write(IReadOnlyList<ReadOnlyMemory<byte>> pieces, long offset) => RandomAccess.Write(handle, pieces, offset);

    public int Read(Span<byte> to, long offset)
    {
        int total = 0;
        while (total < to.Length)
        {
            int read = RandomAccess.Read(handle, to[total..], offset + total);
            if (read == 0)
            {
                break;
            }

            total += read;
        }

        return total;
    }

    public void Flush()
    {
        // fdatasync leaves out the time of the last change, which would cost a second write. It exists on Linux only;
        // elsewhere .NET flushes as far as the platform can (F_FULLFSYNC, FlushFileBuffers).
        if (OperatingSystem.IsLinux())
        {
            Posix.SyncData(handle);
        }
        else
        {
            RandomAccess.FlushToDisk(handle);
        }
    }

    public void Dispose() => handle.Dispose();
}

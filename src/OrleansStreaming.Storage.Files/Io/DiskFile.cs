using System.Buffers;
using Microsoft.Win32.SafeHandles;

namespace OrleansStreaming.Storage.Files;

/// <summary>A real file.</summary>
internal sealed class DiskFile(string path, SafeFileHandle handle) : IFile
{
    /// <summary>To have the system gather pieces takes memory for each call; up to here they are rather copied.</summary>
    private const int MaxJoinedBytes = 64 << 10;

    public string Path { get; } = path;

    public long Length => RandomAccess.GetLength(handle);

    public void Write(IReadOnlyList<ReadOnlyMemory<byte>> pieces, long offset)
    {
        long total = 0;
        for (int i = 0; i < pieces.Count; i++)
        {
            total += pieces[i].Length;
        }

        if (total > MaxJoinedBytes)
        {
            RandomAccess.Write(handle, pieces, offset);
            return;
        }

        byte[] joined = ArrayPool<byte>.Shared.Rent((int)total);
        int at = 0;
        for (int i = 0; i < pieces.Count; i++)
        {
            pieces[i].Span.CopyTo(joined.AsSpan(at));
            at += pieces[i].Length;
        }

        try
        {
            RandomAccess.Write(handle, joined.AsSpan(0, at), offset);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(joined);
        }
    }

    public bool TryReserve(long length)
    {
        if (OperatingSystem.IsLinux())
        {
            return Posix.TryAllocate(handle, length);
        }

        if (OperatingSystem.IsWindows())
        {
            RandomAccess.SetLength(handle, length); // NTFS gives the space with it.
            return true;
        }

        return false;
    }

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

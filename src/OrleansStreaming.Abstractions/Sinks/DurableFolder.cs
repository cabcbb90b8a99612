using System.Runtime.InteropServices;

namespace OrleansStreaming;

/// <summary>Makes the names in a folder durable: flushing a new file does not flush the entry that leads to it.</summary>
internal static class DurableFolder
{
    private const int ReadOnly = 0;

    /// <summary>Creates a folder and those above it.</summary>
    public static void Create(string folder)
    {
        if (Directory.Exists(folder))
        {
            return;
        }

        string? parent = Path.GetDirectoryName(folder);
        if (parent is not null)
        {
            Create(parent);
        }

        Directory.CreateDirectory(folder);
        if (parent is not null)
        {
            Flush(parent);
        }
    }

    /// <summary>Flushes the entries of a folder. Windows does so by itself.</summary>
    /// <exception cref="IOException">The system refuses.</exception>
    public static void Flush(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        int file = Open(folder, ReadOnly);
        if (file < 0)
        {
            throw Failed(folder);
        }

        try
        {
            if (Fsync(file) != 0 && Marshal.GetLastPInvokeError() is not (Einval or Enotsup))
            {
                throw Failed(folder);
            }
        }
        finally
        {
            _ = Close(file);
        }
    }

    // Some file systems have nothing to flush for a folder and say so.
    private const int Einval = 22;
    private const int Enotsup = 95;

    private static IOException Failed(string folder) =>
        new($"The folder {folder} could not be flushed: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");

    [DllImport("libc", EntryPoint = "open", SetLastError = true)]
    private static extern int Open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

    [DllImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static extern int Fsync(int file);

    [DllImport("libc", EntryPoint = "close", SetLastError = true)]
    private static extern int Close(int file);
}

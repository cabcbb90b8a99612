using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace OrleansStreaming.Storage.Files;

/// <summary>
/// The calls that .NET does not offer: flushing data without times, flushing a folder, and a look and a reservation that
/// report their failure.
/// </summary>
internal static class Posix
{
    private const int NoEntry = 2;
    private const int Interrupted = 4;
    private const int NoDirectory = 20;
    private const int InvalidArgument = 22;
    private const int NoSuchCall = 38;
    private const int NotSupported = 95;
    private const int CloseOnExecLinux = 0x80000;
    private const int CloseOnExecMac = 0x1000000;

    public static void SyncData(SafeFileHandle handle)
    {
        while (fdatasync(handle) != 0)
        {
            int error = Marshal.GetLastPInvokeError();
            if (error != Interrupted)
            {
                throw Error("fdatasync", error);
            }
        }
    }

    /// <summary>Makes an empty file longer, with space for all of it; false where the file system cannot. Linux only.</summary>
    public static bool TryAllocate(SafeFileHandle handle, long length)
    {
        if (!Environment.Is64BitProcess)
        {
            return false; // A length has 32 bits there.
        }

        while (fallocate(handle, 0, 0, length) != 0)
        {
            switch (Marshal.GetLastPInvokeError())
            {
                case Interrupted:
                    break;
                case NotSupported or NoSuchCall:
                    return false;
                case int error:
                    throw Error("fallocate", error);
            }
        }

        return true;
    }

    public static bool Exists(string path)
    {
        if (access(path, 0) == 0)
        {
            return true;
        }

        int error = Marshal.GetLastPInvokeError();
        return error is NoEntry or NoDirectory ? false : throw Error($"access {path}", error);
    }

    public static void SyncDirectory(string path)
    {
        int descriptor = open(path, OperatingSystem.IsLinux() ? CloseOnExecLinux : CloseOnExecMac);
        if (descriptor < 0)
        {
            throw Error($"open {path}", Marshal.GetLastPInvokeError());
        }

        try
        {
            while (fsync(descriptor) != 0)
            {
                int error = Marshal.GetLastPInvokeError();
                if (error == InvalidArgument)
                {
                    return; // a file system that cannot flush folders says so; there is no more to be had
                }

                if (error != Interrupted)
                {
                    throw Error($"fsync {path}", error);
                }
            }
        }
        finally
        {
            _ = close(descriptor);
        }
    }

    // The result code is the bare errno, as in the exceptions of .NET itself; DiskErrors reads both alike.
    private static IOException Error(string call, int error) => new($"{call}: {Marshal.GetPInvokeErrorMessage(error)}", error);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int fdatasync(SafeFileHandle descriptor);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int fallocate(SafeFileHandle descriptor, int mode, long offset, long length);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int fsync(int descriptor);

    [DllImport("libc", SetLastError = true, CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int access([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int mode);

    [DllImport("libc", SetLastError = true, CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int close(int descriptor);
}

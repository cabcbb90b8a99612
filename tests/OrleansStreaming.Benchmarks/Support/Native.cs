using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace OrleansStreaming.Benchmarks;

/// <summary>What .NET has not: short sleeps, threads that come first, flushes without the time of the last change.</summary>
internal static class Native
{
    /// <summary>Sleeps for about this long; on Windows for a millisecond.</summary>
    public static void SleepMicros(int micros)
    {
        if (OperatingSystem.IsWindows())
        {
            Thread.Sleep(1);
        }
        else
        {
            _ = Sleep((uint)micros);
        }
    }

    /// <summary>Linux lets sleeps of a thread end up to 50 microseconds late, to save power; from now on not those of this one.</summary>
    public static void SharpenTimers()
    {
        const int SetTimerSlack = 29;
        if (OperatingSystem.IsLinux())
        {
            _ = Control(SetTimerSlack, 1, 0, 0, 0);
        }
    }

    /// <summary>From now on this thread gets a processor as soon as it wants one, if the process may ask for that, and if the system is Linux.</summary>
    public static void ComeFirst()
    {
        const int FirstComeFirstServed = 1;
        int lowest = 1;
        if (OperatingSystem.IsLinux())
        {
            _ = Schedule(0, FirstComeFirstServed, in lowest);
        }
    }

    /// <summary>Flushes a file as the storage does.</summary>
    public static void Flush(SafeFileHandle file)
    {
        if (!OperatingSystem.IsLinux())
        {
            RandomAccess.FlushToDisk(file);
        }
        else if (SyncData(file) != 0)
        {
            throw new IOException($"The flush failed: {Marshal.GetLastPInvokeError()}");
        }
    }

    [DllImport("libc", EntryPoint = "sched_setscheduler")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Schedule(int thread, int policy, in int priority);

    [DllImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SyncData(SafeFileHandle file);

    [DllImport("libc", EntryPoint = "prctl")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Control(int option, nuint value, nuint unused3, nuint unused4, nuint unused5);

    [DllImport("libc", EntryPoint = "usleep")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Sleep(uint micros);
}

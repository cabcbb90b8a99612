using System.Runtime.InteropServices;

namespace OrleansStreaming.Benchmarks;

/// <summary>Short sleeps: those of .NET are at least a millisecond.</summary>
internal static class Pacing
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

    [DllImport("libc", EntryPoint = "prctl")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Control(int option, nuint value, nuint unused3, nuint unused4, nuint unused5);

    [DllImport("libc", EntryPoint = "usleep")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Sleep(uint micros);
}

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

    [DllImport("libc", EntryPoint = "usleep")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Sleep(uint micros);
}

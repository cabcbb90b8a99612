using System.Diagnostics;

namespace OrleansStreaming.Storage.Files.Tests;

/// <summary>A real file system of a few hundred kilobytes.</summary>
internal sealed class TinyDisk : IDisposable
{
    private readonly TempFolder _folder;

    private TinyDisk(TempFolder folder) => _folder = folder;

    public string Path => _folder.Path;

    /// <summary>Mounts one; null where that is not permitted.</summary>
    public static TinyDisk? TryMount(long bytes)
    {
        var folder = new TempFolder();
        if (OperatingSystem.IsLinux() && Run("mount", "-t", "tmpfs", "-o", $"size={bytes}", "tmpfs", folder.Path))
        {
            return new TinyDisk(folder);
        }

        folder.Dispose();
        return null;
    }

    public void Resize(long bytes) => Run("mount", "-o", $"remount,size={bytes}", Path).ShouldBeTrue();

    public void MakeReadOnly() => Run("mount", "-o", "remount,ro", Path).ShouldBeTrue();

    public void Dispose()
    {
        Run("umount", Path).ShouldBeTrue();
        _folder.Dispose();
    }

    private static bool Run(string command, params string[] arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(command, arguments) { RedirectStandardError = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false; // there is no such command
        }
    }
}

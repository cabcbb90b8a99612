using System.Diagnostics;
using System.Globalization;

namespace OrleansStreaming.Testing;

/// <summary>The folder of one Azurite: nobody else uses it meanwhile.</summary>
internal sealed class AzuriteFolder : IDisposable
{
    private const string Script = "azurite-host.js";
    private const int TailLines = 12;
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(50);
    private readonly FileStream _lock;

    private AzuriteFolder(string path, FileStream folderLock)
    {
        Path = path;
        _lock = folderLock;
    }

    public string Path { get; }

    /// <summary>The script that runs Azurite until its owner has ended.</summary>
    public string HostScript => In(Script);

    private string PidFile => In("azurite.pid");

    /// <exception cref="AzuriteException">The folder cannot be used, or another owner has it.</exception>
    public static AzuriteFolder Open(string folder)
    {
        string path = System.IO.Path.GetFullPath(folder);
        FileStream? folderLock = null;
        try
        {
            Directory.CreateDirectory(path);
            string lockFile = System.IO.Path.Combine(path, "azurite.lock");
            try
            {
                folderLock = new FileStream(lockFile, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException e) when (File.Exists(lockFile))
            {
                throw new AzuriteException($"An Azurite is already running on the folder {path}, or being started.", e);
            }

            var opened = new AzuriteFolder(path, folderLock);
            AzuriteInstallation.CopyResource(Script, opened.HostScript);
            return opened;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            folderLock?.Dispose();
            throw new AzuriteException($"Azurite cannot use the folder {path}: {e.Message}", e);
        }
    }

    /// <summary>Waits for an Azurite whose owner was killed: it still saves what it has.</summary>
    public async Task WaitForPredecessorAsync(CancellationToken cancellationToken)
    {
        while (Predecessor() is { } process)
        {
            if (!IsHost(process))
            {
                File.Delete(PidFile); // It was killed.
                return;
            }

            await Task.Delay(Poll, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>What to add to a message about a failure: where the folder is, who uses it, and what Azurite said last.</summary>
    public string Hint(int port)
    {
        string wanted = port == 0 ? "" : $" Port: {port}.";
        string user = Predecessor() is { } process && IsHost(process) ? $" Process {process} has it." : "";
        return $" Folder: {Path}.{wanted}{user} The end of its azurite.log:\n{Tail()}";
    }

    public bool HasPredecessor() => Predecessor() is not null;

    public void Dispose() => _lock.Dispose();

    /// <summary>The last lines of the log.</summary>
    public string Tail()
    {
        try
        {
            return string.Join('\n', File.ReadLines(In("azurite.log")).TakeLast(TailLines));
        }
        catch (IOException)
        {
            return "(there is none)";
        }
    }

    private string In(string name) => System.IO.Path.Combine(Path, name);

    private int? Predecessor()
    {
        try
        {
            // An empty file is one that is being written: nobody has the number 0.
            string text = File.ReadAllText(PidFile);
            return int.TryParse(text, CultureInfo.InvariantCulture, out int process) ? process : 0;
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>Numbers of processes are used again, and a process that has ended may linger until it is waited for; its command line tells.</summary>
    private bool IsHost(int process)
    {
        try
        {
            if (OperatingSystem.IsLinux())
            {
                return File.ReadAllText($"/proc/{process}/cmdline").Contains(HostScript, StringComparison.Ordinal);
            }

            using Process found = Process.GetProcessById(process);
            return found.ProcessName.StartsWith("node", StringComparison.OrdinalIgnoreCase);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or InvalidOperationException)
        {
            return false;
        }
    }
}

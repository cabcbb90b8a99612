using System.Diagnostics;
using System.Globalization;

namespace OrleansStreaming.Testing;

/// <summary>The folder of one Azurite: nobody else uses it meanwhile.</summary>
internal sealed class AzuriteFolder : IDisposable
{
    private const string Script = "azurite-host.js";
    private const int TailLines = 12;
    private const int BeingWritten = 0; // Nobody's number.
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LockLimit = TimeSpan.FromSeconds(2);
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
    public static async Task<AzuriteFolder> OpenAsync(string folder, CancellationToken cancellationToken)
    {
        string path = System.IO.Path.GetFullPath(folder);
        FileStream? folderLock = null;
        try
        {
            Directory.CreateDirectory(path);
            folderLock = await LockAsync(path, cancellationToken).ConfigureAwait(false);
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
    public string Hint(AzuritePorts ports)
    {
        string wanted = ports.Blobs == 0 ? "" : $" Port: {ports.Blobs}.";
        string user = Predecessor() is { } process && IsHost(process) ? $" Process {process} has it." : "";
        return $" Folder: {Path}.{wanted}{user} The end of its azurite.log:\n{Tail()}";
    }

    public void Dispose() => _lock.Dispose();

    private static async Task<FileStream> LockAsync(string path, CancellationToken cancellationToken)
    {
        string file = System.IO.Path.Combine(path, "azurite.lock");
        long started = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                return new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException e) when (File.Exists(file))
            {
                // A process that was killed this moment still has it.
                if (Stopwatch.GetElapsedTime(started) > LockLimit)
                {
                    throw new AzuriteException($"An Azurite is already running on the folder {path}, or being started.", e);
                }

                await Task.Delay(Poll, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private string In(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>The last lines of the log.</summary>
    private string Tail()
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

    private int? Predecessor()
    {
        try
        {
            string text = File.ReadAllText(PidFile);
            return int.TryParse(text, CultureInfo.InvariantCulture, out int process) ? process : BeingWritten;
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
            if (process == BeingWritten)
            {
                return DateTime.UtcNow - File.GetLastWriteTimeUtc(PidFile) < LockLimit;
            }

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

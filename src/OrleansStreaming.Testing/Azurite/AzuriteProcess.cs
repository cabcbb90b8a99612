using System.ComponentModel;
using System.Diagnostics;

namespace OrleansStreaming.Testing;

/// <summary>
/// One process of node that runs Azurite under <c>azurite-host.js</c>. Its standard input is the tie to the owner: when it
/// ends, because the owner closes it or is no more, Azurite stops in good order.
/// </summary>
internal sealed class AzuriteProcess
{
    private const string Ready = "listening ";
    private const int PlaceTaken = 75;
    private readonly Process _process;
    private readonly AzuriteFolder _folder;

    private AzuriteProcess(Process process, AzuriteFolder folder)
    {
        _process = process;
        _folder = folder;
        Id = process.Id;
    }

    public int Id { get; }

    public AzuritePorts Ports { get; private set; } = new(0, null);

    public bool HasExited => _process.HasExited;

    /// <summary>Starts it and waits until it listens.</summary>
    /// <param name="main">The main module of Azurite.</param>
    /// <param name="folder">Its folder.</param>
    /// <param name="ports">The ports, 0 for any that is free.</param>
    /// <param name="cancellationToken">Gives up; nothing is left running.</param>
    /// <returns>Null when somebody else has the port or the folder, which may pass.</returns>
    /// <exception cref="AzuriteException">It ended instead, or there is no node.</exception>
    public static async Task<AzuriteProcess?> StartAsync(string main, AzuriteFolder folder, AzuritePorts ports, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo("node")
        {
            WorkingDirectory = folder.Path,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string argument in (string[])[folder.HostScript, main, folder.Path, .. ports.ToArguments()])
        {
            start.ArgumentList.Add(argument);
        }

        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (Win32Exception e)
        {
            throw new AzuriteException($"Azurite cannot be started: node cannot be started ({e.Message}). Install Node.js.", e);
        }

        var started = new AzuriteProcess(process, folder);
        try
        {
            Task<string> errors = process.StandardError.ReadToEndAsync(CancellationToken.None);
            string? line = await process.StandardOutput.ReadLineAsync(cancellationToken).ConfigureAwait(false);
            if (line?.StartsWith(Ready, StringComparison.Ordinal) == true)
            {
                started.Ports = AzuritePorts.Parse(line[Ready.Length..]);
                return started;
            }

            await process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
            return process.ExitCode == PlaceTaken
                ? null
                : throw new AzuriteException($"Azurite ended while it was starting (exit code {process.ExitCode}).{folder.Hint(ports)}\n{(await errors.ConfigureAwait(false)).Trim()}".TrimEnd());
        }
        catch
        {
            await started.KillAsync().ConfigureAwait(false);
            throw;
        }
    }

    public Task WaitForExitAsync(CancellationToken cancellationToken) => _process.WaitForExitAsync(cancellationToken);

    public async Task StopAsync(TimeSpan limit)
    {
        _process.StandardInput.Close();
        using var late = new CancellationTokenSource(limit);
        try
        {
            await _process.WaitForExitAsync(late.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            await KillAsync().ConfigureAwait(false);
            throw new AzuriteException($"Azurite (process {Id}) did not stop within {limit.TotalSeconds:0} s and was killed: it may have lost what it confirmed.{_folder.Hint(Ports)}");
        }
    }

    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync().ConfigureAwait(false);
    }
}

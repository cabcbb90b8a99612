using System.ComponentModel;
using System.Diagnostics;

namespace OrleansStreaming.Testing;

/// <summary>Runs npm.</summary>
internal static class NpmCommand
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    /// <summary>Installs what the lock file of a folder names, without running scripts of packages.</summary>
    /// <exception cref="AzuriteException">npm is missing, failed, or took more than five minutes.</exception>
    public static async Task CleanInstallAsync(string folder, CancellationToken cancellationToken)
    {
        string[] command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"];
        var start = new ProcessStartInfo
        {
            FileName = OperatingSystem.IsWindows() ? "cmd.exe" : command[0],
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string argument in OperatingSystem.IsWindows() ? ["/c", .. command] : command[1..])
        {
            start.ArgumentList.Add(argument);
        }

        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit);
        using Process npm = Start(start);
        try
        {
            Task<string> output = npm.StandardOutput.ReadToEndAsync(limit.Token);
            string errors = await npm.StandardError.ReadToEndAsync(limit.Token).ConfigureAwait(false);
            await output.ConfigureAwait(false);
            await npm.WaitForExitAsync(limit.Token).ConfigureAwait(false);
            if (npm.ExitCode != 0)
            {
                throw new AzuriteException($"npm ci failed.\n\n{errors.Trim()}\n");
            }
        }
        catch (OperationCanceledException)
        {
            npm.Kill(entireProcessTree: true);
            await npm.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            throw new AzuriteException($"npm ci did not end within {Limit.TotalMinutes} minutes.");
        }
    }

    private static Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception e)
        {
            throw new AzuriteException($"npm cannot be started ({e.Message}).", e);
        }
    }
}

using System.ComponentModel;
using System.Diagnostics;
using System.Reflection;
using OrleansStreaming;

namespace Flights;

/// <summary>
/// The data: <c>flights-20k.json</c> of the npm package vega-datasets, installed on first use. Any number of processes may
/// install at once: each does so in a folder of its own, and the first to finish moves it into place.
/// </summary>
public static class FlightData
{
    private const string FileInPackage = "node_modules/vega-datasets/data/flights-20k.json";
    private static readonly string[] PackageFiles = ["package.json", "package-lock.json", ".npmrc"];
    private static readonly TimeSpan InstallTimeout = TimeSpan.FromMinutes(5);

    /// <summary>The path of the file, after installing it if need be.</summary>
    /// <exception cref="UserException">It cannot be installed; says what to do.</exception>
    public static async Task<string> FindOrInstallAsync(Action<string> say, CancellationToken cancellationToken)
    {
        string? repository = FindRepository();
        string cache = repository is null ? UserCache() : Path.Combine(repository, "artifacts", "data");
        string cached = Path.Combine(cache, FileInPackage);
        string byHand = Path.Combine(repository ?? cache, "infra", "data", FileInPackage);
        if (!File.Exists(cached) && !File.Exists(byHand))
        {
            say($"Installing the flights (npm package vega-datasets, 42 MB) into {cache}; this happens once.");
            await InstallAsync(cache, cancellationToken);
        }

        return File.Exists(cached) ? cached : byHand;
    }

    /// <summary>How many flights a file has; reads all of it.</summary>
    /// <exception cref="UserException">It is not a file of flights; says where.</exception>
    public static async Task<long> CountAsync(string file, CancellationToken cancellationToken)
    {
        try
        {
            long count = 0;
            await foreach (SourceEvent<Flight> flight in new FileSource<Flight>(file).ReadAsync(-1, cancellationToken))
            {
                count = flight.Position + 1;
                if (flight.Event.Origin.Length == 0 || flight.Event.Destination.Length == 0)
                {
                    throw new FormatException($"{file}: element {flight.Position} has no origin or no destination.");
                }
            }

            return count;
        }
        catch (Exception e) when (e is IOException or FormatException or UnauthorizedAccessException)
        {
            string message = e.Message.StartsWith(file, StringComparison.Ordinal) ? e.Message : $"{file}: {e.Message}";
            throw new UserException($"Not a file of flights. {message}", e);
        }
    }

    private static async Task InstallAsync(string cache, CancellationToken cancellationToken)
    {
        string own = Path.Combine(cache, $".install-{Guid.NewGuid():n}");
        try
        {
            Directory.CreateDirectory(own);
            foreach (string file in PackageFiles)
            {
                await using Stream from = Assembly.GetExecutingAssembly().GetManifestResourceStream("data/" + file)!;
                await using FileStream to = File.Create(Path.Combine(own, file));
                await from.CopyToAsync(to, cancellationToken);
            }

            await RunNpmAsync(own, cancellationToken);
            if (!File.Exists(Path.Combine(cache, FileInPackage)))
            {
                Directory.Move(Path.Combine(own, "node_modules"), Path.Combine(cache, "node_modules"));
            }
        }
        catch (IOException) when (File.Exists(Path.Combine(cache, FileInPackage)))
        {
            // Another process was faster.
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserException($"The flights cannot be installed into {cache}: {e.Message}\n{WhatToDo}", e);
        }
        finally
        {
            if (Directory.Exists(own))
            {
                Directory.Delete(own, recursive: true);
            }
        }
    }

    private static async Task RunNpmAsync(string folder, CancellationToken cancellationToken)
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

        try
        {
            using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(InstallTimeout);
            using Process npm = Process.Start(start)!;
            try
            {
                Task<string> output = npm.StandardOutput.ReadToEndAsync(limit.Token);
                string errors = await npm.StandardError.ReadToEndAsync(limit.Token);
                await output;
                await npm.WaitForExitAsync(limit.Token);
                if (npm.ExitCode != 0)
                {
                    throw new UserException($"The flights cannot be installed: npm ci failed.\n\n{errors.Trim()}\n\n{WhatToDo}");
                }
            }
            catch (OperationCanceledException)
            {
                npm.Kill(entireProcessTree: true);
                await npm.WaitForExitAsync(CancellationToken.None);
                cancellationToken.ThrowIfCancellationRequested();
                throw new UserException($"The flights cannot be installed: npm ci did not end within {InstallTimeout.TotalMinutes} minutes.\n{WhatToDo}");
            }
        }
        catch (Win32Exception e)
        {
            throw new UserException($"The flights cannot be installed: npm cannot be started ({e.Message}).\n{WhatToDo}", e);
        }
    }

    private const string WhatToDo =
        """
        What to do, one of:
          - install Node.js with npm, connect to the network, and run this again;
          - where there are npm and a network, run `npm ci` in the folder infra/data of the repository, and bring back its
            node_modules/vega-datasets/data/flights-20k.json; then add to this command: --input flights-20k.json
          - give any JSON array of {date, delay, distance, origin, destination}: --input FILE
        """;

    private static string? FindRepository()
    {
        foreach (string start in new[] { AppContext.BaseDirectory, Directory.GetCurrentDirectory() })
        {
            for (DirectoryInfo? folder = new(start); folder is not null; folder = folder.Parent)
            {
                if (File.Exists(Path.Combine(folder.FullName, "OrleansStreaming.sln")))
                {
                    return folder.FullName;
                }
            }
        }

        return null;
    }

    private static string UserCache()
    {
        string local = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        return Path.Combine(local.Length > 0 ? local : Path.GetTempPath(), "OrleansStreaming", "data");
    }
}

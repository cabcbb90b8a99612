using System.Reflection;
using System.Security.Cryptography;

namespace OrleansStreaming.Testing;

/// <summary>
/// Where the npm package azurite is: where the caller says, in <c>infra/azurite</c> of the repository, or in a folder where
/// it is installed on first use. That folder is named after the lock file, so that another version gets another folder.
/// </summary>
internal static class AzuriteInstallation
{
    private const string Main = "node_modules/azurite/dist/src/blob/main.js";
    private const string MainOfAll = "../azurite.js"; // From there.
    private static readonly string[] PackageFiles = ["package.json", "package-lock.json", ".npmrc"];
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(200);

    /// <summary>Why Azurite cannot be run on this machine; null when it can.</summary>
    public static string? Missing() =>
        !OnPath("node") ? "Azurite needs Node.js, and 'node' is not on the PATH."
        : Installed() is null && !OnPath("npm") ? "Azurite is not installed, and 'npm', which installs it, is not on the PATH."
        : null;

    /// <summary>The main module of Azurite's blob service, or of all its services, after installing it if need be.</summary>
    /// <exception cref="AzuriteException">It is not where it should be and cannot be installed; says what to do.</exception>
    public static async Task<string> FindOrInstallAsync(AzuriteOptions options, CancellationToken cancellationToken)
    {
        string main = await FindOrInstallBlobsAsync(options, cancellationToken).ConfigureAwait(false);
        return options.Tables ? Path.GetFullPath(MainOfAll, Path.GetDirectoryName(main)!) : main;
    }

    private static async Task<string> FindOrInstallBlobsAsync(AzuriteOptions options, CancellationToken cancellationToken)
    {
        if (options.InstalledIn is { } given)
        {
            string there = Path.Combine(Path.GetFullPath(given), Main);
            return File.Exists(there) ? there : throw new AzuriteException($"There is no {there}. Run 'npm install azurite' in {given}, or name another folder.");
        }

        if (Missing() is { } missing)
        {
            throw new AzuriteException($"{missing}\n{WhatToDo}");
        }

        return Installed() ?? await InstallAsync(options, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Copies a file that is part of this assembly.</summary>
    public static void CopyResource(string name, string target)
    {
        using Stream from = Assembly.GetExecutingAssembly().GetManifestResourceStream("azurite/" + name)!;
        using FileStream to = File.Create(target);
        from.CopyTo(to);
    }

    private static string? Installed() => Candidates().FirstOrDefault(File.Exists);

    private static IEnumerable<string> Candidates()
    {
        if (FindRepository() is { } repository)
        {
            yield return Path.Combine(repository, "infra", "azurite", Main);
        }

        yield return Path.Combine(Cache(), Main);
    }

    /// <summary>One process installs, in a folder of its own that it moves into place at the end; others wait for it.</summary>
    private static async Task<string> InstallAsync(AzuriteOptions options, CancellationToken cancellationToken)
    {
        string cache = Cache();
        try
        {
            Directory.CreateDirectory(cache);
            await using FileStream installing = await LockAsync(Path.Combine(cache, ".lock"), options, cancellationToken).ConfigureAwait(false);
            if (Installed() is { } byAnother)
            {
                return byAnother;
            }

            options.Progress?.Invoke($"Installing Azurite (npm package azurite, 190 MB) into {cache}; this happens once.");
            string unfinished = Path.Combine(cache, ".install");
            if (Directory.Exists(unfinished))
            {
                Directory.Delete(unfinished, recursive: true); // Of a process that was killed.
            }

            Directory.CreateDirectory(unfinished);
            foreach (string file in PackageFiles)
            {
                CopyResource(file, Path.Combine(unfinished, file));
            }

            await RunNpmAsync(unfinished, cancellationToken).ConfigureAwait(false);
            Directory.Move(Path.Combine(unfinished, "node_modules"), Path.Combine(cache, "node_modules"));
            Directory.Delete(unfinished, recursive: true);
            string main = Path.Combine(cache, Main);
            return File.Exists(main) ? main : throw new AzuriteException($"npm ci has not brought {main}.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AzuriteException($"Azurite cannot be installed into {cache}: {e.Message}\n{WhatToDo}", e);
        }
    }

    private static async Task RunNpmAsync(string folder, CancellationToken cancellationToken)
    {
        try
        {
            await NpmCommand.CleanInstallAsync(folder, cancellationToken).ConfigureAwait(false);
        }
        catch (AzuriteException e)
        {
            throw new AzuriteException($"Azurite cannot be installed: {e.Message}\n{WhatToDo}", e);
        }
    }

    private static async Task<FileStream> LockAsync(string file, AzuriteOptions options, CancellationToken cancellationToken)
    {
        for (bool first = true; ; first = false)
        {
            try
            {
                return new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (File.Exists(file))
            {
                if (first)
                {
                    options.Progress?.Invoke("Another process installs Azurite; waiting for it.");
                }

                await Task.Delay(Poll, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private const string WhatToDo =
        """
        What to do, one of:
          - install Node.js with npm, connect to the network, and run this again;
          - run `npm ci` in the folder infra/azurite of the repository, or bring a node_modules with azurite there;
          - where Azurite is installed elsewhere, name the folder that has node_modules/azurite in it (AzuriteOptions.InstalledIn).
        """;

    private static string Cache()
    {
        using Stream packages = Assembly.GetExecutingAssembly().GetManifestResourceStream("azurite/package-lock.json")!;
        string version = Convert.ToHexStringLower(SHA256.HashData(packages))[..12];
        if (FindRepository() is { } repository)
        {
            return Path.Combine(repository, "artifacts", "azurite", version);
        }

        string local = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        return Path.Combine(local.Length > 0 ? local : Path.GetTempPath(), "OrleansStreaming", "azurite", version);
    }

    private static string? FindRepository()
    {
        foreach (string start in (string[])[AppContext.BaseDirectory, Directory.GetCurrentDirectory()])
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

    private static bool OnPath(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "")
        .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
        .Any(folder => ((string[])(OperatingSystem.IsWindows() ? [".exe", ".cmd"] : [""])).Any(ending => File.Exists(Path.Combine(folder, program + ending))));
}

using System.Diagnostics;
using System.Globalization;
using Npgsql;
using OrleansStreaming.Orleans.Tests;

namespace OrleansStreaming.Clustering.Tests;

/// <summary>
/// A PostgreSQL of its own in a temporary folder, with the tables of Orleans for members. It listens on a socket in that
/// folder and on no port, and on Linux it ends with this process.
/// </summary>
internal sealed class PostgresServer : IAsyncDisposable
{
    private const string ScriptsVariable = "ORLEANS_SQL";
    private static readonly string[] Scripts = ["PostgreSQL-Main.sql", "PostgreSQL-Clustering.sql"];
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private readonly string _folder;
    private readonly Process _process;

    private PostgresServer(string folder, Process process)
    {
        _folder = folder;
        _process = process;
    }

    /// <summary>Why it cannot be run on this machine; null when it can.</summary>
    public static string? Unavailable =>
        !OperatingSystem.IsLinux() ? "PostgreSQL is started on Linux only."
        : Programs is null ? "PostgreSQL is not installed in /usr/lib/postgresql, as Debian has it."
        : Scripts.Any(script => !File.Exists(Path.Combine(ScriptFolder, script)))
            ? $"The scripts of Orleans for PostgreSQL, {string.Join(" and ", Scripts)}, are not in {ScriptFolder} (or where {ScriptsVariable} says). The source of Orleans has them: src/AdoNet/Shared and src/AdoNet/Orleans.Clustering.AdoNet."
        : null;

    public string ConnectionString => $"Host={_folder};Username=orleans;Database=postgres";

    private static string ScriptFolder => Environment.GetEnvironmentVariable(ScriptsVariable) is { Length: > 0 } given ? given : Path.Combine(Repository.Root, "artifacts", "orleans-sql");

    private static string? Programs => !Directory.Exists("/usr/lib/postgresql") ? null
        : Directory.GetDirectories("/usr/lib/postgresql").Select(version => Path.Combine(version, "bin")).Order(StringComparer.Ordinal).LastOrDefault(bin => File.Exists(Path.Combine(bin, "initdb")));

    public static async Task<PostgresServer> StartAsync(CancellationToken cancellationToken)
    {
        string folder = Directory.CreateTempSubdirectory("postgres-").FullName;
        if (Environment.IsPrivilegedProcess)
        {
            using Process give = Process.Start("chown", ["postgres:postgres", folder]);
            await give.WaitForExitAsync(cancellationToken);
        }

        string data = Path.Combine(folder, "data");
        using (Process make = Start("initdb", "-D", data, "-U", "orleans", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"))
        {
            Task<string> output = make.StandardOutput.ReadToEndAsync(cancellationToken);
            string errors = await make.StandardError.ReadToEndAsync(cancellationToken);
            await make.WaitForExitAsync(cancellationToken);
            make.ExitCode.ShouldBe(0, await output + errors);
        }

        Process process = Start("postgres", "-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off");
        process.OutputDataReceived += static (_, _) => { };
        process.ErrorDataReceived += static (_, line) => TestContext.Current.SendDiagnosticMessage("postgres: {0}", line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var server = new PostgresServer(folder, process);
        try
        {
            await server.MakeTablesAsync(cancellationToken);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        NpgsqlConnection.ClearAllPools();
        if (!_process.HasExited)
        {
            using Process stop = Process.Start("kill", ["-s", "INT", _process.Id.ToString(CultureInfo.InvariantCulture)]); // Who is connected is not waited for.
            await stop.WaitForExitAsync();
        }

        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>PostgreSQL refuses to run as root.</summary>
    private static Process Start(string program, params string[] arguments)
    {
        string[] user = Environment.IsPrivilegedProcess ? ["--reuid=postgres", "--regid=postgres", "--clear-groups"] : [];
        var start = new ProcessStartInfo("setpriv", [.. user, "--pdeathsig=KILL", Path.Combine(Programs!, program), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = "/",
        };
        return Process.Start(start)!;
    }

    private async Task MakeTablesAsync(CancellationToken cancellationToken)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit);
        await using NpgsqlConnection connection = await ConnectAsync(limit.Token);
        foreach (string script in Scripts)
        {
            await using var command = new NpgsqlCommand(await File.ReadAllTextAsync(Path.Combine(ScriptFolder, script), limit.Token), connection);
            await command.ExecuteNonQueryAsync(limit.Token);
        }
    }

    private async Task<NpgsqlConnection> ConnectAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var connection = new NpgsqlConnection(ConnectionString);
            try
            {
                await connection.OpenAsync(cancellationToken);
                return connection;
            }
            catch (NpgsqlException) when (!_process.HasExited)
            {
                await connection.DisposeAsync(); // It does not listen yet, or is still starting.
                await Task.Delay(TimeSpan.FromMilliseconds(100), cancellationToken);
            }
        }
    }
}

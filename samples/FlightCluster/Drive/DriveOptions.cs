using System.CommandLine;
using FlightCluster.Silo;

namespace FlightCluster.Drive;

/// <summary>What happens to the cluster in the middle.</summary>
internal enum Disturbance
{
    /// <summary>One silo is killed, and another one is started.</summary>
    Kill,

    /// <summary>Silo by silo is stopped in good order and started again.</summary>
    Restart,

    /// <summary>Nothing.</summary>
    None,
}

/// <summary>What the cluster is to keep its state in.</summary>
internal enum StorageKind
{
    Azurite,
    Azure,
}

/// <summary>What was asked for on the command line.</summary>
internal sealed record DriveOptions
{
    private const int DefaultRate = 2000;
    private const int RestartRate = 500; // So that there is work for as long as it takes.

    /// <summary>Flights a second; 0 for as fast as it goes.</summary>
    public required int Rate { get; init; }

    public required Disturbance Disturbance { get; init; }

    public required MembersKind Members { get; init; }

    /// <summary>A connection string of Azure Blob Storage, or the address of an account; null for Azurite.</summary>
    public required string? Connection { get; init; }

    /// <summary>Where everything is kept; null for a folder that is deleted at the end.</summary>
    public required string? Data { get; init; }

    /// <summary>The file of flights; null for the data set.</summary>
    public required string? Input { get; init; }

    /// <summary>Reads the command line. Null when there is nothing to run: <paramref name="exitCode"/> then says how to exit.</summary>
    public static DriveOptions? Parse(string[] args, out int exitCode)
    {
        Option<int?> rate = new("--rate") { Description = $"Flights a second, 0 for as fast as it goes [default: {DefaultRate}; with --disturb restart, {RestartRate}]", HelpName = "N" };
        Option<Disturbance> disturbance = new("--disturb") { Description = "What happens in the middle: a silo is killed with SIGKILL and another one started; silo by silo is stopped and started again; nothing", HelpName = "kill|restart|none" };
        Option<StorageKind> storage = new("--storage") { Description = $"What the state is kept in: the emulator of Azure Blob Storage (installed on first use with npm), or Azure Blob Storage, by the connection string or the address of an account in ${SiloSettings.ConnectionVariable}", HelpName = "azurite|azure" };
        Option<MembersKind> members = new("--members") { Description = $"What the silos keep the list of their members in: where the streams are; Azure Tables, those of Azurite or by the connection string in ${Drive.Members.ConnectionVariable}; PostgreSQL by that connection string, with the tables of Orleans", HelpName = "streams|azuretables|adonet" };
        Option<DirectoryInfo> data = new("--data") { Description = "Keep state, reports and logs here; must be new or empty [default: a temporary folder]", HelpName = "DIR" };
        Option<FileInfo> input = new("--input") { Description = "A JSON array of flights, or one per line [default: flights-20k.json of vega-datasets]", HelpName = "FILE" };
        input.AcceptExistingOnly();
        RootCommand command = new("Starts three silos as processes of this machine, feeds them flights over HTTP, disturbs them in the middle, and compares what comes out.")
        {
            rate, disturbance, storage, members, data, input,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(rate) < 0)
            {
                result.AddError("--rate must not be below zero.");
            }

            if (result.GetValue(data) is { Exists: true } folder && folder.EnumerateFileSystemInfos().Any())
            {
                result.AddError($"--data: {folder.FullName} is not empty.");
            }

            if (result.GetValue(storage) == StorageKind.Azure && Connect() is null)
            {
                result.AddError($"--storage azure needs the environment variable {SiloSettings.ConnectionVariable}.");
            }

            bool inAzurite = result.GetValue(members) == MembersKind.AzureTables && result.GetValue(storage) == StorageKind.Azurite;
            if (result.GetValue(members) != MembersKind.Streams && !inAzurite && Drive.Members.GivenConnection is null)
            {
                result.AddError($"--members needs the environment variable {Drive.Members.ConnectionVariable}.");
            }
        });

        DriveOptions? options = null;
        command.SetAction(result => options = new DriveOptions
        {
            Rate = result.GetValue(rate) ?? (result.GetValue(disturbance) == Disturbance.Restart ? RestartRate : DefaultRate),
            Disturbance = result.GetValue(disturbance),
            Members = result.GetValue(members),
            Connection = result.GetValue(storage) == StorageKind.Azure ? Connect() : null,
            Data = result.GetValue(data)?.FullName,
            Input = result.GetValue(input)?.FullName,
        });
        ParseResult parsed = command.Parse(args);
        exitCode = parsed.Invoke() == 0 ? 0 : 2;
        return options;
    }

    private static string? Connect() => Environment.GetEnvironmentVariable(SiloSettings.ConnectionVariable) is { Length: > 0 } given ? given : null;
}

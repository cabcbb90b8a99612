namespace FlightCluster.Silo;

/// <summary>What a silo is told on its command line, in environment variables or in appsettings.json, by the names that Orleans and ASP.NET have for it.</summary>
internal sealed record SiloSettings
{
    public const string ConnectionVariable = "AZURE_STORAGE_CONNECTION_STRING";

    /// <summary>Short names for the command line. <c>--urls</c> is that of ASP.NET.</summary>
    private static readonly Dictionary<string, string> Switches = new()
    {
        ["--name"] = "Orleans:Name", // Of the silo; unique in the cluster.
        ["--cluster"] = "Orleans:ClusterId",
        ["--address"] = "Orleans:Endpoints:AdvertisedIPAddress", // Where the other silos reach this one.
        ["--silo-port"] = "Orleans:Endpoints:SiloPort",
        ["--gateway-port"] = "Orleans:Endpoints:GatewayPort",
        ["--connection"] = "Flights:Connection", // A connection string of Azure Blob Storage, or the address of an account or a container.
        ["--container"] = "Flights:Container",
        ["--reports"] = "Flights:Reports", // A folder that all silos reach.
        ["--logs"] = "Flights:Logs",
        ["--owned"] = "Flights:Owned", // Ends with whoever holds the other end of its standard input.
    };

    public required string Name { get; init; }

    public required string Connection { get; init; }

    public required string Container { get; init; }

    /// <summary>Where reports are written; null for nowhere.</summary>
    public required string? Reports { get; init; }

    /// <summary>Where logs are written; null for the console only.</summary>
    public required string? Logs { get; init; }

    public required bool Owned { get; init; }

    /// <exception cref="UserException">Something is missing that has no default.</exception>
    public static SiloSettings Read(ConfigurationManager configuration, string[] args)
    {
        configuration.AddCommandLine(args, Switches);
        IConfigurationSection flights = configuration.GetSection("Flights");
        string name = configuration["Orleans:Name"] is { Length: > 0 } given ? given : $"{Environment.MachineName}-{Environment.ProcessId}";
        configuration["Orleans:Name"] = name;
        return new SiloSettings
        {
            Name = name,
            Connection = flights["Connection"] ?? Environment.GetEnvironmentVariable(ConnectionVariable)
                ?? throw new UserException($"Say where the state is kept: a connection string of Azure Blob Storage, or the address of a container, in the environment variable {ConnectionVariable}. To start Azurite and three silos, run infra/cluster/run.sh."),
            Container = flights["Container"]!,
            Reports = flights["Reports"],
            Logs = flights["Logs"],
            Owned = flights.GetValue("Owned", false),
        };
    }
}

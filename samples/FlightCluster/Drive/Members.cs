namespace FlightCluster.Drive;

/// <summary>What the silos are to keep the list of their members in.</summary>
internal enum MembersKind
{
    /// <summary>Where the streams are.</summary>
    Streams,

    AzureTables,

    AdoNet,
}

/// <summary>Says to silos where their members are, in the section of the configuration that Orleans reads.</summary>
internal static class Members
{
    /// <summary>Where they are, when they are not in Azurite: the connection string <c>members</c>, as .NET reads it from the environment.</summary>
    public const string ConnectionVariable = "ConnectionStrings__members";

    public static string? GivenConnection => Environment.GetEnvironmentVariable(ConnectionVariable) is { Length: > 0 } given ? given : null;

    /// <summary>The environment variables for the silos.</summary>
    /// <param name="kind">What keeps the members.</param>
    /// <param name="emulator">The connection string of Azurite, if it runs.</param>
    public static IReadOnlyDictionary<string, string> Settings(MembersKind kind, string? emulator) => kind switch
    {
        MembersKind.AzureTables => Settings("AzureTableStorage", GivenConnection ?? emulator!),
        MembersKind.AdoNet => Settings("AdoNet", GivenConnection!),
        _ => new Dictionary<string, string>(),
    };

    private static Dictionary<string, string> Settings(string provider, string connection) => new()
    {
        ["Orleans__Clustering__ProviderType"] = provider,
        ["Orleans__Clustering__Invariant"] = "Npgsql", // Of databases.
        ["Orleans__Clustering__ConnectionName"] = "members",
        [ConnectionVariable] = connection,
    };
}

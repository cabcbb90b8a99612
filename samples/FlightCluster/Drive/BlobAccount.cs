using Azure;
using Azure.Identity;
using Azure.Storage.Blobs;
using OrleansStreaming.Testing;

namespace FlightCluster.Drive;

/// <summary>Where the silos keep their state: Azurite for as long as the run lasts, or a container of Azure for this run.</summary>
internal sealed class BlobAccount : IAsyncDisposable
{
    private readonly AzuriteServer? _azurite;

    private BlobAccount(AzuriteServer? azurite, string connection, string container, MembersKind members, string description)
    {
        _azurite = azurite;
        Connection = connection;
        Container = container;
        Members = Drive.Members.Settings(members, azurite?.ConnectionString);
        Description = members == MembersKind.Streams ? description : $"{description}, members in {members}";
    }

    public string Connection { get; }

    public string Container { get; }

    /// <summary>What silos are told of where their members are.</summary>
    public IReadOnlyDictionary<string, string> Members { get; }

    /// <summary>What to tell people.</summary>
    public string Description { get; }

    /// <exception cref="UserException">It cannot be had; says what to do.</exception>
    public static async Task<BlobAccount> OpenAsync(DriveOptions options, Folders folders, CancellationToken cancellationToken)
    {
        if (options.Connection is { } given)
        {
            string container = $"flightcluster-{Guid.NewGuid():n}";
            return new BlobAccount(null, given, container, options.Members, $"container {container} of Azure Blob Storage");
        }

        try
        {
            AzuriteServer azurite = await AzuriteServer.StartAsync(folders.Azurite, new AzuriteOptions { Tables = options.Members == MembersKind.AzureTables, Progress = Console.WriteLine }, cancellationToken);
            return new BlobAccount(azurite, azurite.ConnectionString, "flightcluster", options.Members, $"Azurite at {azurite.BlobEndpoint} (process {azurite.ProcessId})");
        }
        catch (AzuriteException e)
        {
            throw new UserException(e.Message, e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            if (_azurite is not null)
            {
                await _azurite.DisposeAsync();
                return;
            }

            BlobServiceClient account = Uri.TryCreate(Connection, UriKind.Absolute, out Uri? address) && address.Scheme is "http" or "https"
                ? new BlobServiceClient(address, new DefaultAzureCredential())
                : new BlobServiceClient(Connection);
            await account.GetBlobContainerClient(Container).DeleteIfExistsAsync();
        }
        catch (Exception e) when (e is AzuriteException or RequestFailedException or AuthenticationFailedException or AggregateException)
        {
            await Console.Error.WriteLineAsync($"{Description} could not be cleared away: {e.Message}");
        }
    }
}

using Azure;
using Azure.Core;
using Azure.Identity;
using Azure.Storage.Blobs;
using Flights;
using OrleansStreaming;
using OrleansStreaming.Storage.Azure;

namespace FlightBoard;

/// <summary>
/// Azure Blob Storage. Without <c>--data</c> the run has a container of its own, which is deleted at the end; with it the
/// container stays, and the folder notes which it is.
/// </summary>
internal sealed class AzureStorage : RunStorage
{
    private readonly string _connection;
    private readonly TokenCredential? _credential;
    private readonly BlobServiceClient _account;
    private readonly string _container;
    private readonly bool _isTemporary;

    private AzureStorage(string connection, Uri? address, string container, bool isTemporary)
    {
        _connection = connection;
        _credential = address is null ? null : new DefaultAzureCredential();
        _account = address is null ? new BlobServiceClient(connection) : new BlobServiceClient(address, _credential);
        _container = container;
        _isTemporary = isTemporary;
    }

    public override string Description => $"container {_container} of {_account.Uri}";

    /// <summary>Asks nothing of Azure yet: the engine does when it starts.</summary>
    public static AzureStorage Open(Options options, DataFolder data)
    {
        string connection = options.Connection
            ?? throw new UserException($"--storage azure needs a connection: in the environment variable {Options.ConnectionVariable}, or with --connection, where the list of processes shows it.");
        (Uri? address, string? given) = ReadAddress(connection);
        if (given is not null && data.IsTemporary)
        {
            throw new UserException($"The container {given} is kept, so the reports that go with it have to be: say where with --data.");
        }

        string container = data.KeepsStateIn($"azure {given ?? $"flightboard-{Guid.NewGuid():n}"}").Split(' ')[1];
        if (given is not null && given != container)
        {
            throw new UserException($"The state of {data.Root} is kept in the container {container}, not in {given}.");
        }

        try
        {
            return new AzureStorage(connection, address, container, data.IsTemporary);
        }
        catch (FormatException e)
        {
            throw new UserException($"The connection is neither a connection string nor the address of an account or a container: {e.Message}", e);
        }
    }

    public override void Use(StreamingBuilder streaming, TimeSpan flushDelay)
    {
        _ = _credential is null ? streaming.UseAzureBlobs(_connection, Configure) : streaming.UseAzureBlobs(_account.Uri, _credential, Configure);

        void Configure(AzureBlobStorageOptions blobs)
        {
            blobs.ContainerName = _container;
            SlowAppends.AddTo(blobs, flushDelay);
        }
    }

    public override async ValueTask DisposeAsync()
    {
        if (_isTemporary)
        {
            try
            {
                await _account.GetBlobContainerClient(_container).DeleteIfExistsAsync();
            }
            catch (Exception e) when (e is RequestFailedException or AuthenticationFailedException or AggregateException)
            {
                await Console.Error.WriteLineAsync($"The container {_container} of {_account.Uri} could not be deleted: {e.Message}");
            }
        }
    }

    /// <summary>The address of the account, and the name of the container if it is there; nothing of a connection string.</summary>
    private static (Uri? Account, string? Container) ReadAddress(string connection)
    {
        if (!Uri.TryCreate(connection, UriKind.Absolute, out Uri? address) || address.Scheme is not ("http" or "https"))
        {
            return (null, null);
        }

        string container = address.AbsolutePath.Trim('/');
        return (new Uri(address.GetLeftPart(UriPartial.Authority)), container.Length == 0 ? null : container);
    }
}

using Flights;
using OrleansStreaming;
using OrleansStreaming.Testing;

namespace FlightBoard;

/// <summary>The emulator of Azure Blob Storage, for as long as the run lasts; its data is in the data folder.</summary>
internal sealed class AzuriteStorage : RunStorage
{
    private const string Container = "flightboard";
    private readonly AzuriteServer _server;

    private AzuriteStorage(AzuriteServer server)
    {
        _server = server;
        Lost = WatchAsync();
    }

    public override Task<string> Lost { get; }

    public override string Description => $"Azurite at {_server.BlobEndpoint} (process {_server.ProcessId})";

    public static async Task<AzuriteStorage> StartAsync(DataFolder data, CancellationToken cancellationToken)
    {
        data.KeepsStateIn("azurite");
        try
        {
            return new AzuriteStorage(await AzuriteServer.StartAsync(data.Azurite, new AzuriteOptions { Progress = Console.WriteLine }, cancellationToken));
        }
        catch (AzuriteException e)
        {
            throw new UserException(e.Message, e);
        }
    }

    public override void Use(StreamingBuilder streaming, TimeSpan flushDelay) =>
        streaming.UseAzureBlobs(_server.ConnectionString, blobs =>
        {
            blobs.ContainerName = Container;
            blobs.RetryFor = TimeSpan.FromSeconds(10); // It is here or it is dead.
            SlowAppends.AddTo(blobs, flushDelay);
        });

    private async Task<string> WatchAsync()
    {
        await _server.WaitForExitAsync(CancellationToken.None);
        return $"Azurite (process {_server.ProcessId}) has ended by itself, and may have lost what it had confirmed. What it said is in {Path.Combine(_server.Folder, "azurite.log")}.";
    }

    /// <summary>Called when the engine has written all; stopped in good order, Azurite keeps it.</summary>
    public override async ValueTask DisposeAsync()
    {
        try
        {
            await _server.DisposeAsync();
        }
        catch (AzuriteException e)
        {
            throw new UserException(e.Message, e);
        }
    }
}

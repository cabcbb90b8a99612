using OrleansStreaming.Testing;

namespace OrleansStreaming.Benchmarks;

/// <summary>The emulator of Azure Blob Storage, in the folder of a scenario; each engine has a container of its own.</summary>
internal sealed class BenchAzurite : IAsyncDisposable
{
    private readonly AzuriteServer _server;

    private BenchAzurite(AzuriteServer server) => _server = server;

    public string ConnectionString => _server.ConnectionString;

    /// <summary>Starts it, when the scenario was told to run on it.</summary>
    public static async Task<BenchAzurite?> StartAsync(Common common, BenchFolder folder, CancellationToken cancellationToken) => common.OnAzurite
        ? new BenchAzurite(await AzuriteServer.StartAsync(folder["azurite"], new AzuriteOptions { Progress = text => Progress.Note($"{text}") }, cancellationToken))
        : null;

    /// <summary>Has an engine keep its state in the container that is named after its folder.</summary>
    public StreamingBuilder Use(StreamingBuilder streaming, string folder) =>
        streaming.UseAzureBlobs(ConnectionString, blobs => blobs.ContainerName = Path.GetFileName(folder));

    public ValueTask DisposeAsync() => _server.DisposeAsync();
}

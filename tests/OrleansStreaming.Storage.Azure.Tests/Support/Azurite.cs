using OrleansStreaming.Testing;

[assembly: AssemblyFixture(typeof(OrleansStreaming.Storage.Azure.Tests.Azurite))]

namespace OrleansStreaming.Storage.Azure.Tests;

/// <summary>One emulator for all tests; each test has a container of its own.</summary>
public sealed class Azurite : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("azurite-").FullName;
    private AzuriteServer? _server;
    private int _containers;

    /// <summary>Of the emulator; skips the test where there is none.</summary>
    public string ConnectionString
    {
        get
        {
            Assert.SkipWhen(_server is null, AzuriteServer.Unavailable ?? "Azurite is not there.");
            return _server.ConnectionString;
        }
    }

    public Uri Endpoint => new(_server!.BlobEndpoint.ToString());

    public async ValueTask InitializeAsync()
    {
        if (AzuriteServer.Unavailable is null)
        {
            _server = await AzuriteServer.StartAsync(_folder, CancellationToken.None);
        }
    }

    public string NextContainer() => $"test-{Interlocked.Increment(ref _containers)}";

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }
}

using Azure.Core;
using Azure.Core.Pipeline;
using Microsoft.Extensions.DependencyInjection;
using OrleansStreaming.Core;
using OrleansStreaming.Testing;

[assembly: AssemblyFixture(typeof(OrleansStreaming.Clustering.Tests.Azurite))]

namespace OrleansStreaming.Clustering.Tests;

/// <summary>One emulator, with tables, for all tests that ask for it; each takes names of its own.</summary>
public sealed class Azurite : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("azurite-").FullName;
    private readonly Lazy<Task<AzuriteServer>> _server;
    private int _names;

    public Azurite() => _server = new(() => AzuriteServer.StartAsync(_folder, new AzuriteOptions { Tables = true }, CancellationToken.None));

    /// <summary>The connection string of the emulator; skips the test where there is none.</summary>
    public async Task<string> ConnectAsync()
    {
        Assert.SkipWhen(AzuriteServer.Unavailable is not null, AzuriteServer.Unavailable ?? "");
        return (await _server.Value).ConnectionString;
    }

    /// <summary>A name that is good for a container and for a cluster.</summary>
    public string NextName() => $"test{Interlocked.Increment(ref _names)}";

    /// <summary>Opens a storage of blobs as one process does.</summary>
    /// <param name="container">The container.</param>
    /// <param name="disturbs">Disturbs its requests, next to the network.</param>
    internal async ValueTask<IStorage> OpenBlobsAsync(string container, HttpPipelinePolicy? disturbs = null)
    {
        string connection = await ConnectAsync();
        await using ServiceProvider services = new StreamingBuilder().UseAzureBlobs(connection, blobs =>
        {
            blobs.ContainerName = container;
            if (disturbs is not null)
            {
                (blobs.RequestTimeout, blobs.RetryFor) = (TimeSpan.FromMilliseconds(700), TimeSpan.FromSeconds(8));
                blobs.ConfigureClient = client => client.AddPolicy(disturbs, HttpPipelinePosition.BeforeTransport);
            }
        }).Services.BuildServiceProvider();
        return await services.GetRequiredService<StorageFactory>()(services, TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (_server.IsValueCreated)
        {
            await (await _server.Value).DisposeAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }
}

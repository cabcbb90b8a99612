using Azure.Core;
using Azure.Storage.Blobs;

namespace OrleansStreaming.Storage.Azure.Tests;

/// <summary>A test with a container of its own, and a way to disturb requests.</summary>
public abstract class BlobTest(Azurite azurite)
{
    internal static CancellationToken Cancel => TestContext.Current.CancellationToken;

    internal string Container { get; } = azurite.NextContainer();

    internal string ConnectionString => azurite.ConnectionString;

    /// <summary>Disturbs the requests of all storages that the test opens.</summary>
    internal Faults Faults { get; } = new();

    /// <summary>Looks at the container behind the storage's back.</summary>
    internal BlobContainerClient Blobs => new(azurite.ConnectionString, Container);

    internal async Task<AzureBlobStorage> OpenAsync(Action<AzureBlobStorageOptions>? configure = null, Faults? faults = null)
    {
        var options = new AzureBlobStorageOptions
        {
            ContainerName = Container,
            RequestTimeout = TimeSpan.FromSeconds(5),
            RetryFor = TimeSpan.FromSeconds(5),
            ConfigureClient = client => client.AddPolicy(faults ?? Faults, HttpPipelinePosition.PerCall),
        };
        configure?.Invoke(options);
        return await AzureBlobStorage.OpenAsync(azurite.ConnectionString, options, meters: null, Cancel);
    }

    internal async Task<List<string>> NamesAsync(string prefix = "")
    {
        var names = new List<string>();
        await foreach (var blob in Blobs.GetBlobsAsync(prefix: prefix, cancellationToken: Cancel))
        {
            names.Add(blob.Name);
        }

        return names;
    }

    internal async Task<byte[]> BytesAsync(string blob) =>
        (await Blobs.GetBlobClient(blob).DownloadContentAsync(Cancel)).Value.Content.ToArray();
}

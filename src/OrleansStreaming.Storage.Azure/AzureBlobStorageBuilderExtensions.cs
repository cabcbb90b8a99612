using System.Diagnostics.Metrics;
using Azure.Core;
using Azure.Storage.Blobs;
using Microsoft.Extensions.DependencyInjection;
using OrleansStreaming.Core;
using OrleansStreaming.Storage.Azure;

namespace OrleansStreaming;

/// <summary>Chooses Azure Blob Storage as storage.</summary>
public static class AzureBlobStorageBuilderExtensions
{
    /// <summary>Keeps journals, checkpoints and manifests in a container of Azure Blob Storage, reached by a connection string.</summary>
    /// <param name="builder">The topology.</param>
    /// <param name="connectionString">Of the storage account.</param>
    /// <param name="configure">How to use it.</param>
    public static StreamingBuilder UseAzureBlobs(this StreamingBuilder builder, string connectionString, Action<AzureBlobStorageOptions>? configure = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(connectionString);
        return Use(builder, configure, (_, options) => BlobClients.Create(connectionString, options));
    }

    /// <summary>As the other, by the address of the account and a credential, such as <c>DefaultAzureCredential</c> of Azure.Identity.</summary>
    /// <param name="builder">The topology.</param>
    /// <param name="endpoint">Such as <c>https://account.blob.core.windows.net</c>.</param>
    /// <param name="credential">Who asks.</param>
    /// <param name="configure">How to use it.</param>
    public static StreamingBuilder UseAzureBlobs(this StreamingBuilder builder, Uri endpoint, TokenCredential credential, Action<AzureBlobStorageOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        ArgumentNullException.ThrowIfNull(credential);
        return Use(builder, configure, (_, options) => BlobClients.Create(endpoint, credential, options));
    }

    /// <summary>As the other, with a client that the application makes. It should not repeat requests by itself (<c>Retry.MaxRetries = 0</c>): the storage does.</summary>
    /// <param name="builder">The topology.</param>
    /// <param name="client">Makes the client.</param>
    /// <param name="configure">How to use it.</param>
    public static StreamingBuilder UseAzureBlobs(this StreamingBuilder builder, Func<IServiceProvider, BlobServiceClient> client, Action<AzureBlobStorageOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(client);
        return Use(builder, configure, (services, _) => client(services));
    }

    private static StreamingBuilder Use(
        StreamingBuilder builder, Action<AzureBlobStorageOptions>? configure, Func<IServiceProvider, AzureBlobStorageOptions, BlobServiceClient> client)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddSingleton<StorageFactory>(async (services, cancellationToken) =>
        {
            var options = new AzureBlobStorageOptions();
            configure?.Invoke(options);
            options.Validate();
            return await AzureBlobStorage.OpenAsync(client(services, options), options, services.GetService<IMeterFactory>(), cancellationToken).ConfigureAwait(false);
        });
        return builder;
    }
}

using Azure.Core;
using Azure.Storage.Blobs;

namespace OrleansStreaming.Storage.Azure;

/// <summary>Makes clients that leave all repeating to this library, which knows what may be repeated, and how.</summary>
internal static class BlobClients
{
    public static BlobServiceClient Create(string connectionString, AzureBlobStorageOptions options)
    {
        try
        {
            return new BlobServiceClient(connectionString, Configure(options));
        }
        catch (Exception e) when (e is FormatException or ArgumentException or InvalidOperationException)
        {
            // Not passed on: the message may repeat a part of what it could not read, and that may be the key.
            throw new ArgumentException("The connection string of the storage account is not valid.", nameof(connectionString));
        }
    }

    public static BlobServiceClient Create(Uri endpoint, TokenCredential credential, AzureBlobStorageOptions options)
    {
        // A signature in the address would be told in messages.
        return endpoint.Query.Length == 0
            ? new BlobServiceClient(endpoint, credential, Configure(options))
            : throw new ArgumentException("The address of the storage account has a query; with a signature, use a connection string or make the client.", nameof(endpoint));
    }

    private static BlobClientOptions Configure(AzureBlobStorageOptions options)
    {
        var client = new BlobClientOptions();
        client.Retry.MaxRetries = 0;
        client.Retry.NetworkTimeout = options.RequestTimeout;
        client.Diagnostics.IsLoggingEnabled = false; // Would tell every append; the storage tells failures itself.
        options.ConfigureClient?.Invoke(client);
        return client;
    }
}

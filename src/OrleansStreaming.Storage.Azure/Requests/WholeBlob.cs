using Azure.Storage;

namespace OrleansStreaming.Storage.Azure;

/// <summary>Blobs that are written by one request.</summary>
internal static class WholeBlob
{
    /// <summary>The longest that is written so; the service allows more.</summary>
    public const int MaxBytes = 64 << 20;

    /// <summary>Keeps the client from cutting content into blocks, which would be several requests and not visible as one.</summary>
    public static StorageTransferOptions InOneRequest { get; } = new() { InitialTransferSize = MaxBytes, MaximumTransferSize = MaxBytes, MaximumConcurrency = 1 };
}

using Azure;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;
using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Azure;

/// <summary>The requests to the container that have the same effect however often they are made.</summary>
internal sealed class BlobStore(BlobContainerClient container, BlobRequests requests)
{
    public BlobRequests Requests { get; } = requests;

    /// <summary>A blob's name as it is told to people.</summary>
    public string Describe(string blob) => $"{container.Name}/{blob}";

    public AppendBlobClient AppendBlob(string blob) => container.GetAppendBlobClient(blob);

    public BlockBlobClient BlockBlob(string blob) => container.GetBlockBlobClient(blob);

    /// <summary>Makes the container unless it is there.</summary>
    public Task<bool> CreateContainerAsync(CancellationToken cancellationToken) => RunAsync(
        RequestKind.List,
        $"opening container {container.Name}",
        async cancel =>
        {
            // Asked for first: who has rights on the blobs of one container may look whether it is there, but not make it, also not when it is there.
            return await container.ExistsAsync(cancel).ConfigureAwait(false)
                || await container.CreateIfNotExistsAsync(cancellationToken: cancel).ConfigureAwait(false) is not null;
        },
        cancellationToken);

    /// <summary>All blobs whose names begin with a prefix, by name.</summary>
    public async Task<List<ListedBlob>> ListAsync(string prefix, CancellationToken cancellationToken)
    {
        var found = new List<ListedBlob>();
        string? next = null;
        do
        {
            string? from = next;
            Page<BlobItem> page = await RunAsync(
                RequestKind.List,
                $"listing {Describe(prefix)}",
                async cancel =>
                {
                    IAsyncEnumerable<Page<BlobItem>> pages = container.GetBlobsAsync(BlobTraits.Metadata, BlobStates.None, prefix, cancel).AsPages(from);
                    await foreach (Page<BlobItem> first in pages.ConfigureAwait(false))
                    {
                        return first;
                    }

                    throw new TimeoutException("the service answered without a page"); // Which it never does.
                },
                cancellationToken).ConfigureAwait(false);
            found.AddRange(page.Values.Select(b => new ListedBlob(
                b.Name, b.Properties.ContentLength ?? 0, BlobMetadata.Of(b.Metadata))));
            next = page.ContinuationToken;
        }
        while (!string.IsNullOrEmpty(next));
        return found;
    }

    /// <summary>A blob's length and what else is known of it; null when there is none.</summary>
    public Task<BlobLook?> LookAsync(string blob, CancellationToken cancellationToken) => OrNullAsync(
        RequestKind.Look,
        $"looking at {Describe(blob)}",
        async cancel =>
        {
            BlobProperties found = await container.GetBlobClient(blob).GetPropertiesAsync(cancellationToken: cancel).ConfigureAwait(false);
            return new BlobLook(found.ContentLength, found.ETag, found.IsSealed, BlobMetadata.Of(found.Metadata));
        },
        cancellationToken);

    /// <summary>Reads a range; null when there is no such blob.</summary>
    /// <param name="blob">The blob.</param>
    /// <param name="position">The first byte.</param>
    /// <param name="count">How many; less at the end.</param>
    /// <param name="version">Which version of the blob; null for any.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="RequestFailedException">412: it is another version by now.</exception>
    public async Task<BlobPart?> ReadAsync(string blob, long position, long count, ETag? version, CancellationToken cancellationToken)
    {
        try
        {
            return await OrNullAsync(
                RequestKind.Read,
                $"reading {Describe(blob)}",
                async cancel =>
                {
                    var options = new BlobDownloadOptions { Range = new HttpRange(position, count) };
                    if (version is not null)
                    {
                        options.Conditions = new BlobRequestConditions { IfMatch = version };
                    }

                    using BlobDownloadStreamingResult answer = await container.GetBlobClient(blob).DownloadStreamingAsync(options, cancel).ConfigureAwait(false);
                    byte[] bytes = GC.AllocateUninitializedArray<byte>(checked((int)answer.Details.ContentLength));
                    try
                    {
                        await answer.Content.ReadExactlyAsync(bytes, cancel).ConfigureAwait(false);
                    }
                    catch (RequestFailedException e) when (e.Status == 412 && version is null)
                    {
                        // A body that broke off is gone on with by the client, if the blob is still the same one.
                        throw new IOException("the answer broke off, and the blob has changed meanwhile", e);
                    }

                    return new BlobPart(bytes, TotalLength(answer.Details), answer.Details.ETag, BlobMetadata.Of(answer.Details.Metadata));
                },
                cancellationToken).ConfigureAwait(false);
        }
        catch (RequestFailedException e) when (e.Status == 416)
        {
            return new BlobPart(default, null, null, default); // Behind the end.
        }
    }

    /// <summary>Deletes a blob, if it is there.</summary>
    public Task<bool> DeleteAsync(string blob, CancellationToken cancellationToken) => RunAsync(
        RequestKind.Delete,
        $"deleting {Describe(blob)}",
        async cancel => (await container.GetBlobClient(blob).DeleteIfExistsAsync(cancellationToken: cancel).ConfigureAwait(false)).Value,
        cancellationToken);

    /// <summary>Seals an append blob: nothing can be appended from then on. False when there is none.</summary>
    public async Task<bool> SealAsync(string blob, CancellationToken cancellationToken) => await OrNullAsync(
        RequestKind.Seal,
        $"sealing {Describe(blob)}",
        async cancel =>
        {
            await AppendBlob(blob).SealAsync(cancellationToken: cancel).ConfigureAwait(false);
            return "sealed";
        },
        cancellationToken).ConfigureAwait(false) is not null;

    private async Task<T?> OrNullAsync<T>(RequestKind kind, string what, Func<CancellationToken, Task<T>> request, CancellationToken cancellationToken)
        where T : class
    {
        try
        {
            return await RunAsync(kind, what, request, cancellationToken).ConfigureAwait(false);
        }
        catch (RequestFailedException e) when (BlobErrors.IsMissing(e))
        {
            return null;
        }
    }

    private async Task<T> RunAsync<T>(RequestKind kind, string what, Func<CancellationToken, Task<T>> request, CancellationToken cancellationToken)
    {
        try
        {
            return await Requests.RepeatAsync(kind, what, request, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (BlobErrors.IsStoreError(e) && !BlobErrors.IsMissing(e) && e is not RequestFailedException { Status: 412 or 416 })
        {
            throw BlobErrors.Translate(e, what);
        }
    }

    private static long? TotalLength(BlobDownloadDetails details) =>
        details.ContentRange is { } range && long.TryParse(range.AsSpan(range.LastIndexOf('/') + 1), out long total) ? total : null;
}

/// <summary>A blob of a list.</summary>
internal sealed record ListedBlob(string Name, long Length, BlobMetadata Metadata);

/// <summary>A blob that was looked at.</summary>
internal sealed record BlobLook(long Length, ETag ETag, bool IsSealed, BlobMetadata Metadata);

/// <summary>A part of a blob that was read.</summary>
/// <param name="Bytes">The bytes.</param>
/// <param name="TotalLength">Of the whole blob; null behind its end.</param>
/// <param name="ETag">Its version; null behind its end.</param>
/// <param name="Metadata">What is noted beside it.</param>
internal sealed record BlobPart(ReadOnlyMemory<byte> Bytes, long? TotalLength, ETag? ETag, BlobMetadata Metadata);

using Azure;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;
using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Azure;

/// <summary>
/// Creates segments and appends to them, so that each takes effect once or not at all, and it is known which. A block goes to
/// an exact position; when there is no clear answer, the blob's length and its last bytes tell what became of it, and until it
/// is there it is sent again to the same position, where one of the two fails.
/// </summary>
internal static class SegmentAppender
{
    /// <summary>The longest block that every version of the service takes.</summary>
    public const int MaxBlockBytes = 4 << 20;

    /// <summary>How much of a block is compared when it may have been appended.</summary>
    private const int ComparedBytes = 4 << 10;

    /// <summary>Creates an empty append blob.</summary>
    /// <param name="store">The container.</param>
    /// <param name="blob">The blob.</param>
    /// <param name="made">Who creates it; one that he has created before is the same to him.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>False when there is one of somebody else.</returns>
    public static async Task<bool> CreateAsync(BlobStore store, string blob, BlobMetadata made, CancellationToken cancellationToken) =>
        await ConditionalWrite.RunAsync(
            store,
            RequestKind.Create,
            blob,
            expected: null,
            made,
            async (conditions, metadata, cancel) =>
            {
                var options = new AppendBlobCreateOptions
                {
                    Conditions = new AppendBlobRequestConditions { IfNoneMatch = conditions.IfNoneMatch },
                    Metadata = metadata,
                };
                return (await store.AppendBlob(blob).CreateAsync(options, cancel).ConfigureAwait(false)).Value.ETag;
            },
            cancellationToken).ConfigureAwait(false) is not null;

    /// <summary>Appends a block.</summary>
    /// <param name="store">The container.</param>
    /// <param name="blob">The segment; only its writer appends to it.</param>
    /// <param name="position">Where it is known to end.</param>
    /// <param name="bytes">The block.</param>
    /// <param name="count">Its length.</param>
    /// <param name="cancellationToken">Gives up; it may have been appended then.</param>
    /// <exception cref="JournalFencedException">The blob is sealed, or gone behind a fence.</exception>
    /// <exception cref="StorageFullException">There is no space; the block was not appended.</exception>
    /// <exception cref="CorruptDataException">The blob is shorter than what was confirmed, or has something else at its end.</exception>
    /// <exception cref="StorageException">It failed. When the block may have been appended, that says so.</exception>
    public static async Task AppendAsync(BlobStore store, string blob, long position, byte[] bytes, int count, CancellationToken cancellationToken)
    {
        string what = $"appending to {store.Describe(blob)}";
        var options = new AppendBlobAppendBlockOptions { Conditions = new AppendBlobRequestConditions { IfAppendPositionEqual = position } };
        AppendBlobClient client = store.AppendBlob(blob);
        BlobRequests.Patience patience = store.Requests.Begin();
        bool unclear = false;
        while (true)
        {
            try
            {
                await store.Requests.OnceAsync(
                    RequestKind.Append, what, cancel => client.AppendBlockAsync(new MemoryStream(bytes, 0, count, writable: false), options, cancel), cancellationToken).ConfigureAwait(false);
                return;
            }
            catch (RequestFailedException e) when (e.Status is 404 or 409 or 412)
            {
                if (await IsThereAsync(store, blob, position, bytes, count, e, unclear, cancellationToken).ConfigureAwait(false))
                {
                    return;
                }

                if (!await patience.WaitAsync(cancellationToken).ConfigureAwait(false))
                {
                    throw BlobErrors.Translate(e, what, ambiguous: unclear);
                }
            }
            catch (Exception e) when (BlobErrors.IsTransient(e))
            {
                unclear = true;
                if (!await patience.WaitAsync(cancellationToken).ConfigureAwait(false))
                {
                    throw BlobErrors.Translate(e, what, ambiguous: true);
                }
            }
            catch (Exception e) when (BlobErrors.IsStoreError(e))
            {
                throw BlobErrors.Translate(e, what, ambiguous: unclear);
            }
        }
    }

    /// <summary>Looks whether a block is there that was refused, and may have been appended before.</summary>
    private static async Task<bool> IsThereAsync(
        BlobStore store, string blob, long position, byte[] bytes, int count, RequestFailedException refused, bool unclear, CancellationToken cancellationToken)
    {
        string path = store.Describe(blob);
        BlobLook? look;
        try
        {
            look = await store.LookAsync(blob, cancellationToken).ConfigureAwait(false);
        }
        catch (StorageException e) when (!e.Ambiguous)
        {
            throw new StorageException(e.Message) { Ambiguous = true };
        }

        if (look is null)
        {
            throw await IsFencedAsync(store, blob, cancellationToken).ConfigureAwait(false)
                ? new JournalFencedException($"{path} has been sealed and deleted.")
                : new CorruptDataException(path, 0, $"expected {position} bytes at least, which were confirmed; there is no such blob");
        }

        if (look.Length < position)
        {
            throw new CorruptDataException(path, look.Length, $"expected {position} bytes at least, which were confirmed; found {look.Length}");
        }

        if (look.IsSealed)
        {
            throw new JournalFencedException($"{path} has been sealed.");
        }

        if (look.Length == position)
        {
            // Nobody else appends: what was refused for another reason than its position will be refused again.
            return refused.Status == 412 || unclear ? false : throw BlobErrors.Translate(refused, $"appending to {path}");
        }

        int compared = Math.Min(count, ComparedBytes);
        BlobPart? end = look.Length == position + count
            ? await store.ReadAsync(blob, look.Length - compared, compared, version: null, cancellationToken).ConfigureAwait(false)
            : null;
        return end is not null && end.Bytes.Span.SequenceEqual(bytes.AsSpan(count - compared, compared))
            ? true
            : throw new CorruptDataException(path, position, $"expected the blob to end here or with the block of {count} bytes that was sent, found {look.Length - position} other bytes");
    }

    /// <summary>Whether a journal has a fence, whatever else is gone.</summary>
    private static async Task<bool> IsFencedAsync(BlobStore store, string segment, CancellationToken cancellationToken) =>
        (await store.ListAsync(segment[..(segment.LastIndexOf('/') + 1)], cancellationToken).ConfigureAwait(false)).Exists(b => b.Metadata.IsFence);
}

using Azure;
using Azure.Storage.Blobs.Models;
using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Azure;

/// <summary>
/// Writes a whole blob if it is still the version that was read. A write that got no answer is made again under the same
/// condition, so that it takes effect once at most; whether it was the one that is there, its id tells.
/// </summary>
internal static class ConditionalWrite
{
    /// <summary>Makes the write.</summary>
    /// <param name="store">The container.</param>
    /// <param name="kind">What its requests are counted as.</param>
    /// <param name="blob">The blob.</param>
    /// <param name="expected">The version to be replaced; null when there must be none.</param>
    /// <param name="made">What is noted beside it, with the id of this write: no other has it.</param>
    /// <param name="request">The request.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <param name="writesAgain">The caller writes again over whatever is there: it need not know whether an earlier version was his.</param>
    /// <returns>The new version; null when the blob was another version.</returns>
    /// <exception cref="StorageException">It failed. When it may have taken effect, that says so.</exception>
    public static async Task<BlobVersion?> RunAsync(
        BlobStore store,
        RequestKind kind,
        string blob,
        BlobVersion? expected,
        BlobMetadata made,
        Func<BlobRequestConditions, IDictionary<string, string>, CancellationToken, Task<ETag>> request,
        CancellationToken cancellationToken,
        bool writesAgain = false)
    {
        if (expected is { ETag: null })
        {
            return null; // It was replaced before its writer knew that it had been written.
        }

        string id = made.Write!;
        string what = $"writing {store.Describe(blob)}";
        BlobRequestConditions conditions = expected is { ETag: { } tag }
            ? new BlobRequestConditions { IfMatch = tag }
            : new BlobRequestConditions { IfNoneMatch = ETag.All };
        Dictionary<string, string> metadata = (made with { Over = expected?.Write }).ToDictionary();
        BlobRequests.Patience patience = store.Requests.Begin();
        bool unclear = false;
        while (true)
        {
            try
            {
                ETag written = await store.Requests.OnceAsync(kind, what, cancel => request(conditions, metadata, cancel), cancellationToken).ConfigureAwait(false);
                return new BlobVersion(written, id);
            }
            catch (RequestFailedException e) when (IsConditionNotMet(e, expected is null))
            {
                return Judge(await LookAsync(store, blob, cancellationToken).ConfigureAwait(false), id, expected, unclear && !writesAgain, what);
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

    private static bool IsConditionNotMet(RequestFailedException e, bool isNew) =>
        e.Status == 412 || (e.Status == 409 && isNew && e.ErrorCode == "BlobAlreadyExists") || (e.Status == 404 && !isNew && BlobErrors.IsMissing(e));

    private static async Task<BlobLook?> LookAsync(BlobStore store, string blob, CancellationToken cancellationToken)
    {
        try
        {
            return await store.LookAsync(blob, cancellationToken).ConfigureAwait(false);
        }
        catch (StorageException e)
        {
            // Even a first answer may be that to a repeat, made by a client that the application has given.
            throw new StorageException(e.Message) { Ambiguous = true };
        }
    }

    private static BlobVersion? Judge(BlobLook? found, string id, BlobVersion? expected, bool unclear, string what)
    {
        if (found?.Metadata.Write == id)
        {
            return new BlobVersion(found.ETag, id);
        }

        if (found?.Metadata.Over == id)
        {
            return new BlobVersion(null, id); // It was written, and replaced since.
        }

        bool lost = !unclear || found?.Metadata.Over == (expected?.Write ?? BlobMetadata.None);
        return lost
            ? null
            : throw new StorageException($"Storage failed: {what}: there was no answer in time, and it has been written several times since.") { Ambiguous = true };
    }
}

/// <summary>A version of a blob.</summary>
/// <param name="ETag">Null when it was replaced before it was known.</param>
/// <param name="Write">The write that made it.</param>
internal readonly record struct BlobVersion(ETag? ETag, string? Write);

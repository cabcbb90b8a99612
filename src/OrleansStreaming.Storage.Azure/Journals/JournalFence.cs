using Azure;
using Azure.Storage.Blobs.Models;
using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Azure;

/// <summary>
/// The blob that takes the place of a sealed journal's next segment, and stays for ever: a writer that wakes up late finds
/// that it cannot go on. It holds a mark with the end and, when the journal has been deleted, a second one.
/// </summary>
/// <param name="End">The last LSN, once known.</param>
/// <param name="IsDeleted">The journal was trimmed altogether.</param>
internal readonly record struct JournalFence(long? End, bool IsDeleted)
{
    /// <summary>Puts the fence where the next segment would be.</summary>
    /// <returns>Null when there is a fence there now; else the segment that is there.</returns>
    public static async Task<BlobLook?> CreateAsync(BlobStore store, string blob, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (await SegmentAppender.CreateAsync(store, blob, BlobMetadata.New() with { IsFence = true }, cancellationToken).ConfigureAwait(false))
            {
                return null;
            }

            if (await store.LookAsync(blob, cancellationToken).ConfigureAwait(false) is { } there)
            {
                return there.Metadata.IsFence ? null : there;
            }
        }
    }

    public static async Task<JournalFence> ReadAsync(BlobStore store, string blob, CancellationToken cancellationToken)
    {
        BlobPart? part = await store.ReadAsync(blob, 0, 2 * JournalMark.Size, version: null, cancellationToken).ConfigureAwait(false);
        ReadOnlyMemory<byte> bytes = part?.Bytes ?? default;
        string path = store.Describe(blob);
        return new JournalFence(
            bytes.Length == 0 ? null : JournalMark.Parse(bytes.Span[..Math.Min(bytes.Length, JournalMark.Size)], path),
            bytes.Length > JournalMark.Size && JournalMark.Parse(bytes.Span[JournalMark.Size..], path) == long.MaxValue);
    }

    /// <summary>Writes the end down. Whoever does it first has found the same, since nothing changes behind a fence.</summary>
    public static Task WriteEndAsync(BlobStore store, string blob, long end, CancellationToken cancellationToken) =>
        AppendAsync(store, blob, 0, end, cancellationToken);

    public static Task WriteDeletedAsync(BlobStore store, string blob, CancellationToken cancellationToken) =>
        AppendAsync(store, blob, JournalMark.Size, long.MaxValue, cancellationToken);

    private static async Task AppendAsync(BlobStore store, string blob, long position, long lsn, CancellationToken cancellationToken)
    {
        string what = $"writing {store.Describe(blob)}";
        byte[] mark = JournalMark.Format(lsn);
        try
        {
            await store.Requests.RepeatAsync(
                RequestKind.Append,
                what,
                cancel => store.AppendBlob(blob).AppendBlockAsync(
                    new MemoryStream(mark, writable: false),
                    new AppendBlobAppendBlockOptions { Conditions = new AppendBlobRequestConditions { IfAppendPositionEqual = position } },
                    cancel),
                cancellationToken).ConfigureAwait(false);
        }
        catch (RequestFailedException e) when (e.Status == 412)
        {
            // It is there already: of an attempt that got no answer, or of another.
            BlobPart? part = await store.ReadAsync(blob, position, mark.Length, version: null, cancellationToken).ConfigureAwait(false);
            if (part is null || !part.Bytes.Span.SequenceEqual(mark))
            {
                throw new CorruptDataException(store.Describe(blob), position, $"expected a mark with LSN {lsn}, found another one");
            }
        }
        catch (Exception e) when (BlobErrors.IsStoreError(e))
        {
            throw BlobErrors.Translate(e, what, ambiguous: true);
        }
    }
}

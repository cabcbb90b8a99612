using Azure.Storage.Blobs.Models;
using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Azure;

/// <summary>The first LSN of a journal that has not been trimmed: without it a lost first segment would look trimmed. Never goes back.</summary>
internal static class TrimmedMark
{
    public static async Task<long> ReadAsync(BlobStore store, string journal, CancellationToken cancellationToken) =>
        (await FindAsync(store, journal, cancellationToken).ConfigureAwait(false)).FirstLsn;

    public static async Task RaiseAsync(BlobStore store, string journal, long firstLsn, CancellationToken cancellationToken)
    {
        string blob = BlobNames.Trimmed(journal);
        byte[] mark = JournalMark.Format(firstLsn);
        while (true)
        {
            (long there, BlobVersion? version) = await FindAsync(store, journal, cancellationToken).ConfigureAwait(false);
            if (there >= firstLsn)
            {
                return;
            }

            BlobVersion? made = await ConditionalWrite.RunAsync(
                store,
                RequestKind.Write,
                blob,
                version,
                BlobMetadata.New(),
                async (conditions, metadata, cancel) =>
                {
                    var options = new BlobUploadOptions { Conditions = conditions, Metadata = metadata, TransferOptions = WholeBlob.InOneRequest };
                    return (await store.BlockBlob(blob).UploadAsync(new MemoryStream(mark, writable: false), options, cancel).ConfigureAwait(false)).Value.ETag;
                },
                cancellationToken).ConfigureAwait(false);
            if (made is not null)
            {
                return;
            }
        }
    }

    private static async Task<(long FirstLsn, BlobVersion? Version)> FindAsync(BlobStore store, string journal, CancellationToken cancellationToken)
    {
        string blob = BlobNames.Trimmed(journal);
        BlobPart? part = await store.ReadAsync(blob, 0, JournalMark.Size, version: null, cancellationToken).ConfigureAwait(false);
        return part is null
            ? (1, null)
            : (JournalMark.Parse(part.Bytes.Span, store.Describe(blob)) ?? 1, new BlobVersion(part.ETag, part.Metadata.Write));
    }
}

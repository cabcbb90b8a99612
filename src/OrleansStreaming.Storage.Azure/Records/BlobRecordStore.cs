using Azure;
using Azure.Storage.Blobs.Models;
using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Azure;

/// <summary>Small records that change by compare-and-swap on ETags. A record's tag is the id of the write and the ETag.</summary>
/// <param name="store">The container.</param>
/// <param name="confirmed">Up to where the journals of this process are confirmed; noted beside each record.</param>
internal sealed class BlobRecordStore(BlobStore store, Func<string?> confirmed)
{
    /// <summary>The first read takes in all but the longest records; a longer one is read again in whole.</summary>
    private const int FirstReadBytes = 4 << 20;

    private const char Separator = '|';

    public async Task<StoredRecord?> ReadAsync(string name, CancellationToken cancellationToken)
    {
        string blob = BlobNames.Record(name);
        for (int attempt = 0; ; attempt++)
        {
            BlobPart? part = await store.ReadAsync(blob, 0, FirstReadBytes, version: null, cancellationToken).ConfigureAwait(false);
            if (part is null)
            {
                return null;
            }

            string path = store.Describe(blob);
            if (part.TotalLength > part.Bytes.Length)
            {
                try
                {
                    part = await store.ReadAsync(blob, 0, part.TotalLength.Value, part.ETag, cancellationToken).ConfigureAwait(false);
                }
                catch (RequestFailedException e) when (e.Status == 412 && attempt < 10)
                {
                    continue; // Replaced between the two.
                }
            }

            ReadOnlyMemory<byte> bytes = part is { ETag: not null } ? part.Bytes : throw new CorruptDataException(path, 0, "expected a record, found an empty blob");
            NamedFileHeader header = NamedFileHeader.Parse(bytes.Span, NamedFileKind.Record, path);
            header.ThrowUnlessNamed(name, path);
            ReadOnlyMemory<byte> content = bytes[header.Size..];
            if (content.Length != header.ContentLength)
            {
                throw new CorruptDataException(path, bytes.Length, $"expected {header.ContentLength} bytes of content, found {content.Length}");
            }

            return Crc32C.Compute(content.Span) == header.ContentCrc
                ? new StoredRecord(Tag(new BlobVersion(part.ETag, part.Metadata.Write)), content)
                : throw new CorruptDataException(path, header.Size, "expected content that matches its checksum");
        }
    }

    public async Task<string?> SwapAsync(string name, string? expectedTag, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        byte[] header = new NamedFileHeader(NamedFileKind.Record, name, 0, content.Length, Crc32C.Compute(content.Span)).Format();
        byte[] bytes = [.. header, .. content.Span];
        BlobVersion? made = await ConditionalWrite.RunAsync(
            store,
            RequestKind.Write,
            BlobNames.Record(name),
            Version(expectedTag),
            BlobMetadata.New() with { Confirmed = confirmed() },
            async (conditions, metadata, cancel) =>
            {
                var options = new BlobUploadOptions { Conditions = conditions, Metadata = metadata, TransferOptions = WholeBlob.InOneRequest };
                return (await store.BlockBlob(BlobNames.Record(name)).UploadAsync(new MemoryStream(bytes, writable: false), options, cancel).ConfigureAwait(false)).Value.ETag;
            },
            cancellationToken).ConfigureAwait(false);
        return made is { } version ? Tag(version) : null;
    }

    private static string Tag(BlobVersion version) => $"{version.Write}{Separator}{version.ETag?.ToString("H").Trim('"')}";

    private static BlobVersion? Version(string? tag)
    {
        if (tag is null)
        {
            return null;
        }

        int at = tag.IndexOf(Separator, StringComparison.Ordinal);
        return at < 0 || at == tag.Length - 1 ? new BlobVersion(null, null) : new BlobVersion(new ETag($"\"{tag[(at + 1)..]}\""), tag[..at]);
    }
}

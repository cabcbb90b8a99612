using System.Buffers.Binary;
using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Azure;

/// <summary>
/// Finds frames without reading what lies before them: before each frame stand the segment's id and a checksum that covers
/// the position, so that a frame can be recognised from anywhere.
/// </summary>
internal static class FrameSearch
{
    private const int ProbeBytes = 64 << 10;

    /// <summary>A shorter stretch is walked through.</summary>
    private const long ShortBytes = 512 << 10;

    /// <summary>Finds a frame that is not behind an LSN, and near it.</summary>
    /// <param name="store">The container.</param>
    /// <param name="segment">The segment; its header is known.</param>
    /// <param name="lsn">The LSN.</param>
    /// <param name="end">Where the segment ends.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Its LSN and where it begins; null when the blob is gone.</returns>
    public static async ValueTask<(long Lsn, long Position)?> NearAsync(BlobStore store, BlobSegment segment, long lsn, long end, CancellationToken cancellationToken)
    {
        (long Lsn, long Position) low = segment.Positions.AtOrBefore(lsn);
        long high = segment.Positions.After(lsn)?.Position ?? end;
        while (low.Lsn < lsn && high - low.Position > ShortBytes)
        {
            long middle = low.Position + ((high - low.Position) / 2);
            (bool gone, (long Lsn, long Position)? found) = await FirstFromAsync(store, segment, middle, high, cancellationToken).ConfigureAwait(false);
            if (gone)
            {
                return null;
            }

            if (found is { } frame)
            {
                segment.Positions.Add(frame.Lsn, frame.Position);
                if (frame.Lsn <= lsn)
                {
                    low = frame;
                    continue;
                }
            }

            high = middle; // No frame that is wanted begins behind the middle.
        }

        return low;
    }

    /// <summary>Finds one of the last frames.</summary>
    /// <returns>Its LSN and where it begins; null when the blob is gone.</returns>
    public static async ValueTask<(long Lsn, long Position)?> LastAsync(BlobStore store, BlobSegment segment, long end, CancellationToken cancellationToken)
    {
        (long Lsn, long Position) known = segment.Positions.AtOrBefore(long.MaxValue);
        for (long reach = ProbeBytes; end - reach > known.Position; reach *= 4)
        {
            (bool gone, (long Lsn, long Position)? found) = await FirstFromAsync(store, segment, end - reach, end, cancellationToken).ConfigureAwait(false);
            if (gone || found is not null)
            {
                return gone ? null : found;
            }
        }

        return known;
    }

    /// <summary>The first frame that begins in a range.</summary>
    private static async ValueTask<(bool Gone, (long Lsn, long Position)? Found)> FirstFromAsync(
        BlobStore store, BlobSegment segment, long from, long to, CancellationToken cancellationToken)
    {
        ulong id = segment.Header!.Value.SegmentId;
        byte[] idBytes = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(idBytes, id);
        for (long position = from, bytes = ProbeBytes; position + FrameHead.Size <= to; bytes = Math.Min(4 << 20, bytes * 4))
        {
            BlobPart? part = await store.ReadAsync(segment.Blob, position, Math.Min(bytes, to - position), version: null, cancellationToken).ConfigureAwait(false);
            if (part is null)
            {
                return (true, null);
            }

            ReadOnlySpan<byte> read = part.Bytes.Span;
            for (int at = 0; at < read.Length && read[at..].IndexOf(idBytes) is >= 0 and int next; at += next + 1)
            {
                int head = at + next;
                if (FrameHead.TryRead(read[head..], position + head, id, out FrameHead found, out _))
                {
                    return (false, (found.Header.Lsn, position + head));
                }
            }

            // A head may lie across two reads.
            int advance = read.Length - FrameHead.Size + 1;
            if (advance <= 0)
            {
                break;
            }

            position += advance;
        }

        return (false, null);
    }
}

using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Azure;

/// <summary>Walks the frames of a segment with large ranged reads.</summary>
/// <param name="store">The container.</param>
/// <param name="blob">The segment.</param>
/// <param name="segmentId">Its id.</param>
/// <param name="lsn">The first frame.</param>
/// <param name="position">Where its prefix begins.</param>
/// <param name="end">Where the segment is known to end.</param>
internal sealed class BlobFrameCursor(BlobStore store, string blob, ulong segmentId, long lsn, long position, long end)
{
    private const int SmallestRead = 4 << 10;
    private const int LargestRead = 4 << 20;

    private readonly long _end = end;
    private ReadOnlyMemory<byte> _buffer;
    private long _bufferPosition;

    /// <summary>The LSN of the next frame.</summary>
    public long Lsn { get; private set; } = lsn;

    /// <summary>Where it begins.</summary>
    public long Position { get; private set; } = position;

    /// <summary>How far it is worth reading ahead.</summary>
    public long ReadAheadTo { get; set; } = end;

    /// <summary>What stands at the position.</summary>
    public enum Found
    {
        /// <summary>A frame; the cursor has moved behind it.</summary>
        Frame,

        /// <summary>A frame that is longer than asked for; the cursor stays.</summary>
        TooLong,

        /// <summary>The end, or the beginning of a frame whose other blocks were never appended.</summary>
        End,

        /// <summary>The blob is gone.</summary>
        Nothing,
    }

    /// <summary>The frame that was taken last, without its prefix; empty when its body was not asked for.</summary>
    public ReadOnlyMemory<byte> Frame { get; private set; }

    /// <summary>Takes the next frame.</summary>
    /// <param name="checkBody">False goes past a frame without reading and checking its body.</param>
    /// <param name="longest">A longer frame is left.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="CorruptDataException">Something else is there. Blocks are appended whole or not at all, so what is there is no torn frame.</exception>
    public async ValueTask<Found> TryTakeAsync(bool checkBody, long longest, CancellationToken cancellationToken)
    {
        if (Position + FrameHead.Size > _end)
        {
            return Found.End;
        }

        if (await BytesAsync(FrameHead.Size, cancellationToken).ConfigureAwait(false) is not { } headBytes)
        {
            return Found.Nothing;
        }

        if (!FrameHead.TryRead(headBytes.Span, Position, segmentId, out FrameHead head, out string? error))
        {
            throw Damaged(error!);
        }

        if (head.Header.Lsn != Lsn)
        {
            throw Damaged($"found LSN {head.Header.Lsn}");
        }

        if (Position + head.WholeLength > _end)
        {
            return Found.End;
        }

        if (head.Prefix.FrameLength > longest)
        {
            return Found.TooLong;
        }

        Frame = default;
        if (checkBody)
        {
            if (await BytesAsync(head.WholeLength, cancellationToken).ConfigureAwait(false) is not { } whole)
            {
                return Found.Nothing;
            }

            if (!head.Header.Matches(whole.Span[FrameHead.Size..]))
            {
                throw Damaged("the body does not match its checksum");
            }

            Frame = whole[FramePrefix.Size..];
        }

        Lsn++;
        Position += head.WholeLength;
        return Found.Frame;
    }

    private CorruptDataException Damaged(string error) => new(store.Describe(blob), Position, $"LSN {Lsn} belongs here: {error}");

    /// <summary>So many bytes at the position, of which there are at least as many; null when the blob is gone.</summary>
    private async ValueTask<ReadOnlyMemory<byte>?> BytesAsync(int count, CancellationToken cancellationToken)
    {
        long skip = Position - _bufferPosition;
        if (skip < 0 || skip + count > _buffer.Length)
        {
            long useful = Math.Clamp(ReadAheadTo - Position, SmallestRead, LargestRead);
            long wanted = Math.Min(Math.Max(count, useful), _end - Position);
            if (await store.ReadAsync(blob, Position, wanted, version: null, cancellationToken).ConfigureAwait(false) is not { } part)
            {
                return null;
            }

            if (part.Bytes.Length < wanted)
            {
                throw new CorruptDataException(store.Describe(blob), Position + part.Bytes.Length, $"expected {_end} bytes at least, found {part.TotalLength ?? Position}");
            }

            _buffer = part.Bytes;
            _bufferPosition = Position;
            skip = 0;
        }

        return _buffer.Slice((int)skip, count);
    }
}

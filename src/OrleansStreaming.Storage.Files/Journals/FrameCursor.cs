using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Files;

/// <summary>Walks the frames of a segment with large reads.</summary>
/// <param name="file">The segment, open.</param>
/// <param name="header">Its header.</param>
/// <param name="lsn">The first frame.</param>
/// <param name="position">Where its prefix begins.</param>
/// <param name="lends">
/// Lends memory in which frames stay valid when the cursor moves on; without it, it reads into the same memory again and again.
/// </param>
internal sealed class FrameCursor(IFile file, SegmentHeader header, long lsn, long position, LentFrames? lends = null)
{
    private const int SmallestRead = 4 << 10;

    private byte[] _buffer = [];
    private long _bufferPosition;
    private int _buffered;

    /// <summary>The LSN of the next frame.</summary>
    public long Lsn { get; private set; } = lsn;

    /// <summary>Where it begins.</summary>
    public long Position { get; private set; } = position;

    /// <summary>How far it is worth reading ahead.</summary>
    public long ReadAheadTo { get; set; } = header.Capacity;

    /// <summary>The last LSN that was durable when the append of the frame just taken began.</summary>
    public long ConfirmedLsn { get; private set; }

    /// <summary>Takes the next frame.</summary>
    /// <param name="checkBody">False goes past a frame without reading and checking its body.</param>
    /// <param name="longest">A longer frame is left.</param>
    /// <param name="frame">The frame; empty when <paramref name="checkBody"/> is false.</param>
    /// <param name="error">What was expected, and found; null when the frame is only too long.</param>
    /// <returns>False when there is no whole frame with the next LSN here, or it is too long; the cursor stays.</returns>
    public bool TryTake(bool checkBody, long longest, out ReadOnlyMemory<byte> frame, out string? error)
    {
        frame = default;
        if (!FrameHead.TryRead(Bytes(FrameHead.Size).Span, Position, header.SegmentId, out FrameHead head, out error))
        {
            return false;
        }

        if (head.Header.Lsn != Lsn)
        {
            error = $"expected LSN {Lsn}, found {head.Header.Lsn}";
            return false;
        }

        int whole = head.WholeLength;
        if (Position + whole > header.Capacity)
        {
            error = $"expected a frame of {head.Prefix.FrameLength} bytes, found room for {header.Capacity - Position - FramePrefix.Size}";
            return false;
        }

        if (head.Prefix.FrameLength > longest)
        {
            error = null;
            return false;
        }

        if (checkBody)
        {
            ReadOnlyMemory<byte> bytes = Bytes(whole);
            if (bytes.Length < whole || !head.Header.Matches(bytes.Span[FrameHead.Size..]))
            {
                error = "the body does not match its checksum";
                return false;
            }

            frame = bytes[FramePrefix.Size..];
        }

        ConfirmedLsn = head.Prefix.ConfirmedLsn;
        Lsn++;
        Position += whole;
        return true;
    }

    /// <summary>The bytes at the position, as many as there are up to a count.</summary>
    private ReadOnlyMemory<byte> Bytes(int count)
    {
        long skip = Position - _bufferPosition;
        if (skip < 0 || skip + count > _buffered)
        {
            Fill(count);
            skip = 0;
        }

        return _buffer.AsMemory((int)skip, (int)Math.Min(count, _buffered - skip));
    }

    private void Fill(int count)
    {
        long useful = Math.Clamp(ReadAheadTo - Position, SmallestRead, FrameBuffers.Size);
        int size = (int)Math.Min(Math.Max(count, useful), Math.Max(0, header.Capacity - Position));
        if (lends is not null)
        {
            _buffer = lends.Rent(size);
        }
        else if (_buffer.Length < size)
        {
            _buffer = GC.AllocateUninitializedArray<byte>(size);
        }

        _buffered = file.Read(_buffer.AsSpan(0, size), Position);
        _bufferPosition = Position;
    }
}

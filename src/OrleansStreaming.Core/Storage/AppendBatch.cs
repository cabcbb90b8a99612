namespace OrleansStreaming.Core;

/// <summary>Gathers the frames of one append, each behind its prefix, for one write. Reuses its memory.</summary>
internal sealed class AppendBatch
{
    private readonly List<ReadOnlyMemory<byte>> _pieces = [];
    private byte[] _prefixes = new byte[16 * FramePrefix.Size];

    /// <summary>Checks frames before anything is written: a reader would take a wrong one for a torn tail.</summary>
    /// <returns>The bytes they need in a segment.</returns>
    public static long Measure(IReadOnlyList<FrameToWrite> frames, long firstLsn)
    {
        long total = 0;
        for (int i = 0; i < frames.Count; i++)
        {
            FrameToWrite frame = frames[i];
            if (frame.Lsn != firstLsn + i)
            {
                throw new ArgumentException($"The next LSN is {firstLsn + i}, the frame has {frame.Lsn}.", nameof(frames));
            }

            long length = 0;
            for (int j = 0; j < frame.Pieces.Count; j++)
            {
                length += frame.Pieces[j].Length;
            }

            if (length != frame.Length || length is < FrameHeader.Size or > FramePrefix.MaxFrameLength)
            {
                throw new ArgumentException($"The frame with LSN {frame.Lsn} says {frame.Length} bytes and has {length}; {FrameHeader.Size} to {FramePrefix.MaxFrameLength} are possible.", nameof(frames));
            }

            total += FramePrefix.Size + length;
        }

        return total;
    }

    /// <summary>Puts prefixes between the frames.</summary>
    /// <returns>All pieces, valid until the next call.</returns>
    public List<ReadOnlyMemory<byte>> Gather(IReadOnlyList<FrameToWrite> frames, ulong segmentId, long confirmedLsn, long position)
    {
        _pieces.Clear();
        if (_prefixes.Length < frames.Count * FramePrefix.Size)
        {
            _prefixes = new byte[2 * frames.Count * FramePrefix.Size];
        }

        for (int i = 0; i < frames.Count; i++)
        {
            FrameToWrite frame = frames[i];
            Memory<byte> prefix = _prefixes.AsMemory(i * FramePrefix.Size, FramePrefix.Size);
            new FramePrefix(segmentId, confirmedLsn, frame.Length).Write(prefix.Span, position);
            _pieces.Add(prefix);
            for (int j = 0; j < frame.Pieces.Count; j++)
            {
                _pieces.Add(frame.Pieces[j]);
            }

            position += FramePrefix.Size + frame.Length;
        }

        return _pieces;
    }

    /// <summary>Lets go of the caller's memory.</summary>
    public void Clear() => _pieces.Clear();
}

namespace OrleansStreaming.Core;

/// <summary>What stands before the body of a frame in a segment: the prefix and the frame's header.</summary>
/// <param name="Prefix">Tells that the frame belongs where it stands.</param>
/// <param name="Header">The frame's header.</param>
internal readonly record struct FrameHead(FramePrefix Prefix, FrameHeader Header)
{
    public const int Size = FramePrefix.Size + FrameHeader.Size;

    /// <summary>The bytes of prefix and frame.</summary>
    public int WholeLength => FramePrefix.Size + Prefix.FrameLength;

    /// <summary>Reads and checks the head at a position; on failure says what is wrong.</summary>
    /// <param name="from">The bytes there.</param>
    /// <param name="position">The position in the segment.</param>
    /// <param name="segmentId">The segment.</param>
    /// <param name="head">The head.</param>
    /// <param name="error">What was expected, and found.</param>
    public static bool TryRead(ReadOnlySpan<byte> from, long position, ulong segmentId, out FrameHead head, out string? error)
    {
        head = default;
        if (!FramePrefix.TryRead(from, position, segmentId, out FramePrefix prefix, out error)
            || !FrameHeader.TryRead(from[FramePrefix.Size..], out FrameHeader header, out error))
        {
            return false;
        }

        if (prefix.FrameLength != FrameHeader.Size + header.BodyLength)
        {
            error = $"expected a frame of {FrameHeader.Size + header.BodyLength} bytes, found room for {prefix.FrameLength}";
            return false;
        }

        head = new FrameHead(prefix, header);
        return true;
    }
}

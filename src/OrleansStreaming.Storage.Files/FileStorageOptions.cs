using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Files;

/// <summary>How <see cref="FileStorage"/> uses its folder.</summary>
public sealed class FileStorageOptions
{
    /// <summary>
    /// The length of a journal's segments in bytes. A journal begins with shorter ones, each twice as long as the one
    /// before, so that a short journal takes little space.
    /// </summary>
    public long SegmentSizeBytes { get; set; } = 64L << 20;

    /// <summary>
    /// How many segments, made ahead or no longer needed, are kept for reuse, never more than were in use at once. A
    /// checkpoint frees many together, and a new one costs as much as filling it, or is slower to fill: the default holds what
    /// is written until two of them have been taken at full speed, 2 GiB.
    /// </summary>
    public int SpareSegments { get; set; } = 32;

    /// <summary>
    /// An additional time that passes before an append is confirmed, to imitate a store that is slow or far away.
    /// </summary>
    public TimeSpan FlushDelay { get; set; }

    /// <summary>The clock by which <see cref="FlushDelay"/> passes.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    /// <summary>The files; tests put others in their place.</summary>
    internal IFileSystem Files { get; set; } = DiskFileSystem.Instance;

    /// <summary>Whether spare segments are made in the background; tests that count operations switch it off.</summary>
    internal bool MakeSegmentsAhead { get; set; } = true;

    /// <summary>Whether the folder is locked; tests of two processes on one folder switch it off.</summary>
    internal bool LockFolder { get; set; } = true;

    internal void Validate()
    {
        if (SegmentSizeBytes < SegmentHeader.Size + FramePrefix.Size + 1)
        {
            throw new ArgumentException($"{nameof(SegmentSizeBytes)} is {SegmentSizeBytes}; a segment needs room for a frame.");
        }

        if (SpareSegments < 0)
        {
            throw new ArgumentException($"{nameof(SpareSegments)} is {SpareSegments}; it cannot be negative.");
        }

        if (FlushDelay < TimeSpan.Zero)
        {
            throw new ArgumentException($"{nameof(FlushDelay)} is {FlushDelay}; it cannot be negative.");
        }

        ArgumentNullException.ThrowIfNull(TimeProvider);
    }
}

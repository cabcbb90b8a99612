namespace OrleansStreaming.Storage.Files;

/// <summary>How the unconfirmed end of a journal looks after a simulated loss of power.</summary>
internal enum TailCut
{
    /// <summary>Nothing of it was stored.</summary>
    All,

    /// <summary>It was stored up to some byte.</summary>
    AtRandomByte,

    /// <summary>All of it was stored but one sector.</summary>
    RandomSector,
}

/// <summary>Imitates the loss of what was written and not flushed.</summary>
internal static class TailCutter
{
    private const int SectorBytes = 512;

    /// <returns>How many bytes were lost.</returns>
    public static long Cut(IFileSystem files, OpenSegment segment, Random random, TailCut cut)
    {
        long from = segment.Position;
        long to = segment.WrittenTo;
        if (from >= to || !files.FileExists(segment.Segment.Path))
        {
            return 0;
        }

        switch (cut)
        {
            case TailCut.AtRandomByte:
                from = random.NextInt64(from, to);
                break;
            case TailCut.RandomSector:
                from = random.NextInt64(from, to);
                to = Math.Min(to, (from / SectorBytes + 1) * SectorBytes);
                break;
            default:
                break;
        }

        // Opened anew: the writer may be disposed.
        using IFile file = files.Open(segment.Segment.Path, writable: true);
        OpenSegment.Clear(file, from, to);
        return to - from;
    }
}

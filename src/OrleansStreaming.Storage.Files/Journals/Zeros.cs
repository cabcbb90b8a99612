namespace OrleansStreaming.Storage.Files;

/// <summary>Fills ranges of files with zeros.</summary>
internal static class Zeros
{
    /// <summary>The longest piece that is written at once.</summary>
    public const int MaxPiece = 1 << 20;

    private static readonly byte[] Piece = new byte[MaxPiece];

    /// <summary>Overwrites a range, and flushes.</summary>
    /// <param name="file">The file.</param>
    /// <param name="from">Where the range begins.</param>
    /// <param name="to">Where it ends.</param>
    /// <param name="step">How much is written at once.</param>
    /// <param name="flushEach">Each piece is flushed before the next is written.</param>
    public static void Write(IFile file, long from, long to, int step, bool flushEach = false)
    {
        var pieces = new ReadOnlyMemory<byte>[1];
        for (long at = from; at < to; at += step)
        {
            pieces[0] = Piece.AsMemory(0, (int)Math.Min(step, to - at));
            file.Write(pieces, at);
            if (flushEach)
            {
                file.Flush();
            }
        }

        file.Flush();
    }
}

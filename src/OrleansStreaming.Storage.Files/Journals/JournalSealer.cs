using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Files;

/// <summary>Fences a journal, then finds its end and records it.</summary>
internal static class JournalSealer
{
    private const int CopyBytes = 1 << 20;

    /// <summary>What is left to look at is mostly the last append.</summary>
    private const int ReadAheadBytes = 256 << 10;

    /// <returns>The last LSN; null when the journal has been deleted meanwhile.</returns>
    public static long? Seal(Journal journal)
    {
        lock (journal.Gate)
        {
            if (journal.Deleted)
            {
                return null;
            }

            if (journal.End is { } known)
            {
                return known;
            }

            try
            {
                return FenceAndFindEnd(journal);
            }
            catch (Exception e) when (DiskErrors.IsDiskError(e))
            {
                throw DiskErrors.Translate(e, $"sealing journal {journal.Name}", ambiguous: true);
            }
        }
    }

    private static long FenceAndFindEnd(Journal journal)
    {
        JournalContext context = journal.Context;

        // Also when there is none: one that is created later must find itself fenced.
        context.Files.CreateDirectory(journal.Folder);
        context.Files.SyncDirectory(context.Folder);
        bool fenced = JournalFiles.TryRead(context.Files, journal.FencePath, out long? end);
        if (!fenced)
        {
            context.Atomic.Publish(journal.FencePath, JournalFiles.Format(null));
        }
        else
        {
            // Whoever made the fence may have died before its name was durable.
            context.Files.SyncDirectory(journal.Folder);
        }

        // From here on nothing more is confirmed. What was confirmed before was flushed before, and is found.
        if (end is null)
        {
            end = FindEnd(journal);
            context.Atomic.Publish(journal.FencePath, JournalFiles.Format(end));
        }

        lock (journal.Sync)
        {
            journal.End = end;
        }

        return end.Value;
    }

    private static long FindEnd(Journal journal)
    {
        Segment? segment = journal.LastSegment();
        long confirmed;
        bool isHere;
        lock (journal.Sync)
        {
            isHere = journal.Writer is not null;
            confirmed = journal.ConfirmedLsn;
            if (journal.Writer is { HasFailed: true })
            {
                return confirmed;
            }
        }

        if (segment is null)
        {
            return 0;
        }

        using IFile file = journal.Context.Files.Open(segment.Path, writable: true);
        SegmentHeader header = segment.Header(file, journal.Name);

        // What this process confirmed it need not look at again; anything else is read whole.
        (long lsn, long position) = isHere ? segment.Index.AtOrBefore(confirmed + 1) : (segment.FirstLsn, SegmentHeader.Size);
        var cursor = new FrameCursor(file, header, lsn, position);
        long appendFrom = position;
        long appendConfirmed = -1;
        while (true)
        {
            long before = cursor.Position;
            cursor.ReadAheadTo = cursor.Position + ReadAheadBytes;
            if (!cursor.TryTake(checkBody: true, long.MaxValue, out _, out string? error))
            {
                LaterFrames.ThrowIfDamaged(cursor, file, header, confirmed, known: isHere, error!);
                break;
            }

            if (cursor.ConfirmedLsn != appendConfirmed)
            {
                appendConfirmed = cursor.ConfirmedLsn;
                appendFrom = before;
            }
        }

        segment.Index.AddEnd(cursor.Lsn, cursor.Position);
        Settle(file, appendFrom, cursor.Position);
        return cursor.Lsn - 1;
    }

    /// <summary>
    /// Makes the last append durable. Its writer may have died before the flush, or after one that failed; in the second
    /// case the system holds the data in memory and believes it stored, and only writing it again stores it.
    /// </summary>
    private static void Settle(IFile file, long from, long to)
    {
        byte[] buffer = new byte[Math.Min(CopyBytes, Math.Max(0, to - from))];
        while (from < to)
        {
            int read = file.Read(buffer.AsSpan(0, (int)Math.Min(buffer.Length, to - from)), from);
            if (read == 0)
            {
                break;
            }

            file.Write([buffer.AsMemory(0, read)], from);
            from += read;
        }

        file.Flush();
    }
}

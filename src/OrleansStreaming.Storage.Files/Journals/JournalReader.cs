using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Files;

/// <summary>Reads frames, at the same time as the writer writes and others trim.</summary>
internal static class JournalReader
{
    /// <summary>While nobody knows how far there is something to read, reads begin with this and double.</summary>
    private const int FirstRead = 256 << 10;

    /// <summary>Reads frames, not more than one buffer of them: what is read at once is looked through while the next is read.</summary>
    public static LentFrames Read(Journal journal, long fromLsn, long toLsn, int maxBytes)
    {
        var frames = new LentFrames();
        long lsn = Math.Max(1, fromLsn);
        long budget = Math.Clamp(maxBytes, 1, FrameBuffers.Size);
        while (lsn <= toLsn && journal.TryEnter(ref lsn, out Segment segment, out long provenLsn))
        {
            try
            {
                if (lsn > toLsn || !ReadSegment(journal, segment, ref lsn, toLsn, provenLsn, ref budget, frames))
                {
                    break;
                }
            }
            catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
            {
                // Either it has been trimmed since, or is being trimmed at this moment, or it is lost.
                lock (journal.Gate)
                {
                    if (!segment.Removed)
                    {
                        throw new CorruptDataException(segment.Path, 0, $"the segment with LSN {lsn} should exist");
                    }
                }
            }
            catch (Exception e) when (DiskErrors.IsDiskError(e))
            {
                throw DiskErrors.Translate(e, $"reading {segment.Path}");
            }
            finally
            {
                journal.Leave(segment);
            }
        }

        return frames;
    }

    /// <returns>Whether to go on in the next segment.</returns>
    private static bool ReadSegment(
        Journal journal, Segment segment, ref long lsn, long toLsn, long provenLsn, ref long budget, LentFrames frames)
    {
        using IFile file = journal.Context.Files.Open(segment.Path, writable: false);
        SegmentHeader header = segment.Header(file, journal.Name);
        if (!TryGoTo(segment, file, header, ref lsn, provenLsn, out long position))
        {
            return false;
        }

        // A known end is a limit: what lies behind may be about to be written.
        long lastLsn = provenLsn > 0 ? Math.Min(toLsn, provenLsn) : toLsn;
        var cursor = new FrameCursor(file, header, lsn, position, frames);
        while (cursor.Lsn <= lastLsn)
        {
            cursor.ReadAheadTo = Math.Min(cursor.Position + budget, segment.Index.EndOf(lastLsn, cursor.Position + Math.Max(FirstRead, cursor.Position - position)));
            long longest = frames.Count == 0 ? long.MaxValue : budget; // at least one frame
            if (!cursor.TryTake(checkBody: true, longest, out ReadOnlyMemory<byte> frame, out string? error))
            {
                if (error is not null)
                {
                    LaterFrames.ThrowIfDamaged(cursor, file, header, provenLsn, known: false, error);
                }

                segment.Index.NoteEnd(lsn, cursor.Position);
                return false;
            }

            frames.Add(new StoredFrame(lsn, frame));
            budget -= frame.Length;
            lsn = cursor.Lsn;
            segment.Index.Add(lsn, cursor.Position);
        }

        segment.Index.NoteEnd(lsn, cursor.Position);
        return provenLsn > 0 && budget > 0;
    }

    /// <summary>Finds where a frame begins, from the nearest that is known.</summary>
    private static bool TryGoTo(Segment segment, IFile file, SegmentHeader header, ref long lsn, long provenLsn, out long position)
    {
        (long knownLsn, long knownPosition) = segment.Index.AtOrBefore(lsn);
        var cursor = new FrameCursor(file, header, knownLsn, knownPosition)
        {
            ReadAheadTo = segment.Index.EndOf(lsn, header.Capacity),
        };
        while (cursor.Lsn < lsn)
        {
            if (!cursor.TryTake(checkBody: false, long.MaxValue, out _, out string? error))
            {
                LaterFrames.ThrowIfDamaged(cursor, file, header, provenLsn, known: false, error!);
                position = 0;
                return false;
            }

            segment.Index.Add(cursor.Lsn, cursor.Position);
        }

        position = cursor.Position;
        return true;
    }
}

using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Files;

/// <summary>Deletes what nobody needs any more.</summary>
internal static class JournalTrimmer
{
    /// <returns>Whether the journal has been deleted altogether.</returns>
    public static bool Trim(Journal journal, long belowLsn)
    {
        lock (journal.Gate)
        {
            try
            {
                int count = journal.CountBelow(belowLsn, out long nextFirstLsn);
                if (belowLsn == long.MaxValue && journal.End is not null)
                {
                    Delete(journal);
                }
                else if (count > 0)
                {
                    // First, so that a segment that is missing below this is not taken for lost.
                    journal.Context.Atomic.Publish(Path.Combine(journal.Folder, JournalFiles.TrimmedFile), JournalFiles.Format(nextFirstLsn));
                    Discard(journal, journal.Remove(count, nextFirstLsn), journal.Folder);
                    journal.Context.Files.SyncDirectory(journal.Folder);
                    journal.Context.Pool.SyncNames();
                }

                return journal.Deleted;
            }
            catch (Exception e) when (DiskErrors.IsDiskError(e))
            {
                throw DiskErrors.Translate(e, $"trimming journal {journal.Name}", ambiguous: true);
            }
        }
    }

    private static void Delete(Journal journal)
    {
        JournalContext context = journal.Context;

        // One step, so that no crash leaves a part that looks like damage; the temporary folder is emptied at the next start.
        string aside = Path.Combine(context.TemporaryFolder, "deleted-" + Path.GetFileName(journal.Folder));
        if (context.Files.DirectoryExists(aside))
        {
            context.Files.DeleteDirectory(aside);
        }

        context.Files.RenameDirectory(journal.Folder, aside);
        Segment[] segments = journal.RemoveAll();
        context.Files.SyncDirectory(context.Folder);
        Discard(journal, segments, aside);
        context.Files.DeleteDirectory(aside);
        context.Files.SyncDirectory(context.TemporaryFolder);
        context.Pool.SyncNames();
    }

    private static void Discard(Journal journal, Segment[] segments, string folder)
    {
        foreach (Segment segment in segments)
        {
            string path = Path.Combine(folder, Path.GetFileName(segment.Path));

            // A file must not be reused under somebody who still has it open: a reader would read, a writer that woke
            // up late would write, what is another journal's by now.
            bool isFree;
            lock (journal.Sync)
            {
                isFree = segment.Readers == 0 && journal.Writer?.CurrentSegment != segment;
            }

            journal.Context.Pool.Recycle(path, isFree ? TryReadHeader(journal, segment, path) : null);
        }
    }

    private static SegmentHeader? TryReadHeader(Journal journal, Segment segment, string path)
    {
        try
        {
            using IFile file = journal.Context.Files.Open(path, writable: false);
            return segment.Header(file, journal.Name);
        }
        catch (CorruptDataException)
        {
            return null; // deleted, then
        }
    }
}

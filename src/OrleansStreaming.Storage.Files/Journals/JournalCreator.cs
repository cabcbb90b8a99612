using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Files;

/// <summary>Creates journals.</summary>
internal static class JournalCreator
{
    public static JournalWriter Create(Journal journal)
    {
        JournalContext context = journal.Context;
        lock (journal.Gate)
        {
            try
            {
                // Also when it is only the fence of a journal that was sealed before it could be created.
                if (journal.Deleted || context.Files.DirectoryExists(journal.Folder))
                {
                    throw new StorageException($"Journal {journal.Name} exists already; its name is never used again.");
                }

                context.Files.CreateDirectory(journal.Folder);
                return Begin(journal);
            }
            catch (Exception e) when (DiskErrors.IsDiskError(e))
            {
                throw DiskErrors.Translate(e, $"creating journal {journal.Name}");
            }
        }
    }

    private static JournalWriter Begin(Journal journal)
    {
        JournalContext context = journal.Context;
        JournalWriter? writer = null;
        try
        {
            writer = JournalWriter.Create(journal);
            writer.MarkBegun();
            context.Files.SyncDirectory(context.Folder);
            lock (journal.Sync)
            {
                journal.Writer = writer;
            }

            return writer;
        }
        catch
        {
            // Nothing was ever confirmed here, so that it can be tried again under the same name.
            writer?.Abandon();
            journal.RemoveAll();
            try
            {
                context.Files.DeleteDirectory(journal.Folder);
                lock (journal.Sync)
                {
                    journal.Deleted = false;
                }
            }
            catch (Exception e) when (DiskErrors.IsDiskError(e))
            {
                // The name is lost.
            }

            throw;
        }
    }
}

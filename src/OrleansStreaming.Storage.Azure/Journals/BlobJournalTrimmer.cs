using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Azure;

/// <summary>Deletes what nobody needs any more. Asks for it that change nothing cost no request.</summary>
internal static class BlobJournalTrimmer
{
    public static async Task TrimAsync(BlobJournal journal, long belowLsn, CancellationToken cancellationToken)
    {
        if (journal.IsTrimmedTo(belowLsn))
        {
            return;
        }

        await journal.Gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            JournalView view = await journal.RefreshAsync(always: false, cancellationToken).ConfigureAwait(false);
            if (belowLsn == long.MaxValue && (view.IsDeleted || view.End is not null))
            {
                await DeleteAsync(journal, cancellationToken).ConfigureAwait(false);
                journal.SetTrimmedTo(belowLsn);
            }
            else if (!view.IsDeleted)
            {
                await TrimAsync(journal, view, belowLsn, cancellationToken).ConfigureAwait(false);
                journal.SetTrimmedTo(Math.Min(belowLsn, long.MaxValue - 1)); // All of it only once it is sealed.
            }
        }
        finally
        {
            journal.Gate.Release();
        }
    }

    private static async Task TrimAsync(BlobJournal journal, JournalView view, long belowLsn, CancellationToken cancellationToken)
    {
        BlobStore store = journal.Store;
        int count = 0;
        long firstLsn = 0;
        while (count + 1 < view.Segments.Length
            && await view.Segments[count + 1].HeaderAsync(store, cancellationToken).ConfigureAwait(false) is { } next
            && next.FirstLsn <= belowLsn)
        {
            count++;
            firstLsn = next.FirstLsn;
        }

        if (count == 0)
        {
            return;
        }

        // First, so that a segment that is missing below this is not taken for lost.
        await TrimmedMark.RaiseAsync(store, journal.Name, firstLsn, cancellationToken).ConfigureAwait(false);
        journal.Remove(view.Segments[count].Index, firstLsn);
        for (int i = 0; i < count; i++)
        {
            await store.DeleteAsync(view.Segments[i].Blob, cancellationToken).ConfigureAwait(false);
        }
    }

    private static async Task DeleteAsync(BlobJournal journal, CancellationToken cancellationToken)
    {
        BlobStore store = journal.Store;
        JournalListing listing = await journal.ListAsync(cancellationToken).ConfigureAwait(false);
        if (!listing.Marks.IsDeleted)
        {
            // First, so that what is left if this ends in the middle is not taken for damage.
            await JournalFence.WriteDeletedAsync(store, listing.Fence!, cancellationToken).ConfigureAwait(false);
        }

        journal.SetDeleted();
        foreach (BlobSegment segment in listing.Segments)
        {
            await store.DeleteAsync(segment.Blob, cancellationToken).ConfigureAwait(false);
        }

        await store.DeleteAsync(BlobNames.Trimmed(journal.Name), cancellationToken).ConfigureAwait(false);
    }
}

using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Azure;

/// <summary>
/// Fences a journal without a lease: seals what its writer may append to, puts a fence where it would go on, then finds the
/// end. A writer that was paused finds its blob sealed, and the next name taken.
/// </summary>
internal static class BlobJournalSealer
{
    /// <summary>How often others may delete what is being looked at.</summary>
    private const int MaxAttempts = 10;

    public static async Task<long> SealAsync(BlobJournal journal, CancellationToken cancellationToken)
    {
        await journal.Gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            for (int attempt = 1; journal.View().End is null; attempt++)
            {
                if (!await TrySealAsync(journal, cancellationToken).ConfigureAwait(false) && attempt == MaxAttempts)
                {
                    throw new CorruptDataException(journal.Store.Describe(BlobNames.Journal(journal.Name)), 0, "blobs that are listed should be there, and are not");
                }
            }

            return journal.View().End!.Value;
        }
        finally
        {
            journal.Gate.Release();
        }
    }

    /// <returns>False when a blob is gone that was there when it was listed: others trim.</returns>
    private static async Task<bool> TrySealAsync(BlobJournal journal, CancellationToken cancellationToken)
    {
        JournalListing listing = await journal.ListAsync(cancellationToken).ConfigureAwait(false);
        if (listing.Fence is null)
        {
            if (!await TryFenceAsync(journal, listing, cancellationToken).ConfigureAwait(false))
            {
                return false;
            }

            listing = await journal.ListAsync(cancellationToken).ConfigureAwait(false);
        }

        if (listing.Marks.End is not { } end)
        {
            ConfirmedPlace confirmed = await FindConfirmedAsync(journal, cancellationToken).ConfigureAwait(false);
            if (await TryFindEndAsync(journal, listing, confirmed, cancellationToken).ConfigureAwait(false) is not { } found)
            {
                return false;
            }

            end = found;
            await JournalFence.WriteEndAsync(journal.Store, listing.Fence!, end, cancellationToken).ConfigureAwait(false);
        }

        journal.SetSealed(listing, end);
        return true;
    }

    private static async Task<bool> TryFenceAsync(BlobJournal journal, JournalListing listing, CancellationToken cancellationToken)
    {
        BlobStore store = journal.Store;

        // A segment is begun when all that went to the one before is known to be there: only what comes from the last one with
        // frames on can be appended to. Behind it may be one that was made ahead.
        int first = listing.Segments.FindLastIndex(s => s.ListedLength > 0);
        foreach (BlobSegment segment in listing.Segments.Skip(Math.Max(0, first)))
        {
            if (!await store.SealAsync(segment.Blob, cancellationToken).ConfigureAwait(false))
            {
                return false;
            }
        }

        for (int index = listing.Segments.Count == 0 ? 0 : listing.Segments[^1].Index + 1; ; index++)
        {
            string blob = BlobNames.Segment(journal.Name, index);
            if (await JournalFence.CreateAsync(store, blob, cancellationToken).ConfigureAwait(false) is null)
            {
                return true;
            }

            await store.SealAsync(blob, cancellationToken).ConfigureAwait(false);
        }
    }

    private static async Task<long?> TryFindEndAsync(BlobJournal journal, JournalListing listing, ConfirmedPlace confirmed, CancellationToken cancellationToken)
    {
        BlobStore store = journal.Store;
        BlobSegment[] segments = [.. listing.Segments.Where(s => s.ListedLength > 0)];
        BlobSegmentHeader?[] headers = await Task.WhenAll(segments.Select(s => s.HeaderAsync(store, cancellationToken).AsTask())).ConfigureAwait(false);
        if (Array.Exists(headers, h => h is null))
        {
            return null;
        }

        long firstLsn = journal.View().FirstLsn;
        long end = 0;
        if (segments.Length == 0 ? firstLsn > 1 : headers[0]!.Value.FirstLsn > firstLsn)
        {
            throw journal.Missing(firstLsn, segments.Length == 0 ? 0 : Math.Max(0, segments[0].Index - 1));
        }

        foreach (BlobSegment segment in segments)
        {
            segment.Length = segment.ListedLength;
        }

        for (int i = 1; i < segments.Length; i++)
        {
            journal.ThrowUnlessNext(segments[i - 1], segments[i], headers[i]!.Value);
        }

        if (segments.Length > 0)
        {
            if (await TryFindLastAsync(journal, segments[^1], cancellationToken).ConfigureAwait(false) is not { } last)
            {
                return null;
            }

            end = last;
        }

        if (confirmed.Lsn > end)
        {
            string blob = BlobNames.Segment(journal.Name, confirmed.Index);
            long found = listing.Segments.Find(s => s.Index == confirmed.Index)?.ListedLength ?? 0;
            throw new CorruptDataException(
                store.Describe(blob),
                found,
                $"expected {confirmed.Length} bytes with frames up to LSN {confirmed.Lsn}, which were confirmed; found {found} bytes, and frames up to LSN {end}: data is lost");
        }

        return end;
    }

    private static async Task<long?> TryFindLastAsync(BlobJournal journal, BlobSegment segment, CancellationToken cancellationToken)
    {
        BlobStore store = journal.Store;
        if (await FrameSearch.LastAsync(store, segment, segment.Length, cancellationToken).ConfigureAwait(false) is not { } near)
        {
            return null;
        }

        var cursor = new BlobFrameCursor(store, segment.Blob, segment.Header!.Value.SegmentId, near.Lsn, near.Position, segment.Length);
        while (true)
        {
            switch (await cursor.TryTakeAsync(checkBody: true, long.MaxValue, cancellationToken).ConfigureAwait(false))
            {
                case BlobFrameCursor.Found.Frame:
                    break;
                case BlobFrameCursor.Found.Nothing:
                    return null;
                default:
                    return cursor.Lsn - 1;
            }
        }
    }

    /// <summary>Up to where the journal was confirmed, as far as this process or any record knows: that much must be there.</summary>
    private static async Task<ConfirmedPlace> FindConfirmedAsync(BlobJournal journal, CancellationToken cancellationToken)
    {
        ConfirmedPlace highest = journal.OwnPlace;
        foreach (ListedBlob record in await journal.Store.ListAsync(BlobNames.Records, cancellationToken).ConfigureAwait(false))
        {
            ConfirmedPlace noted = ConfirmedPlace.Find(record.Metadata.Confirmed, journal.Name);
            highest = noted.Lsn > highest.Lsn ? noted : highest;
        }

        return highest;
    }
}

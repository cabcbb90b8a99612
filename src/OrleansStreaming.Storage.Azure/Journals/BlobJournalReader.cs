using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Azure;

/// <summary>Reads frames, at the same time as the writer writes and others trim.</summary>
internal static class BlobJournalReader
{
    public static async Task<IReadOnlyList<StoredFrame>> ReadAsync(BlobJournal journal, long fromLsn, long toLsn, int maxBytes, CancellationToken cancellationToken)
    {
        for (bool again = false; ; again = true)
        {
            JournalView view = await journal.RefreshAsync(always: again, cancellationToken).ConfigureAwait(false);
            var pass = new Pass(journal, view, toLsn, maxBytes);
            if (await pass.TryReadAsync(Math.Max(1, fromLsn), cancellationToken).ConfigureAwait(false) is not { } gone)
            {
                return pass.Frames;
            }

            // Trimmed since it was listed; else it is lost.
            if (again && await journal.RefreshAsync(always: true, cancellationToken).ConfigureAwait(false) is { IsDeleted: false } now && now.FirstLsn == view.FirstLsn)
            {
                throw journal.Missing(pass.Lsn, gone.Index);
            }
        }
    }

    /// <summary>One attempt, by what was known when it began.</summary>
    private sealed class Pass(BlobJournal journal, JournalView view, long toLsn, int maxBytes)
    {
        private readonly BlobStore _store = journal.Store;
        private long _budget = Math.Max(1, maxBytes);

        public List<StoredFrame> Frames { get; } = [];

        public long Lsn { get; private set; }

        /// <returns>A segment that was gone; null when all was read.</returns>
        public async Task<BlobSegment?> TryReadAsync(long fromLsn, CancellationToken cancellationToken)
        {
            Lsn = Math.Max(fromLsn, view.FirstLsn);
            long lastLsn = Math.Min(toLsn, view.ProvenLsn ?? long.MaxValue);
            if (view.IsDeleted || Lsn > lastLsn)
            {
                return null;
            }

            if (view.Segments.Length == 0)
            {
                return view.ProvenLsn >= Lsn || view.FirstLsn > 1 ? throw journal.Missing(Lsn, 0) : null;
            }

            (int at, BlobSegment? gone) = await FindAsync(cancellationToken).ConfigureAwait(false);
            for (; gone is null && Lsn <= lastLsn && _budget > 0 && at < view.Segments.Length; at++)
            {
                BlobSegment segment = view.Segments[at];
                long end = segment.Length;
                long last = lastLsn;
                if (at + 1 < view.Segments.Length)
                {
                    // The next one says where this one ends.
                    BlobSegment next = view.Segments[at + 1];
                    if (await next.HeaderAsync(_store, cancellationToken).ConfigureAwait(false) is not { } header)
                    {
                        return next;
                    }

                    journal.ThrowUnlessNext(segment, next, header);
                    end = header.PreviousLength;
                    last = Math.Min(lastLsn, header.FirstLsn - 1);
                }

                if (!await ReadSegmentAsync(segment, end, last, cancellationToken).ConfigureAwait(false))
                {
                    gone = segment;
                }
                else if (Lsn <= last && _budget > 0 && (at + 1 < view.Segments.Length || view.ProvenLsn is not null))
                {
                    throw new CorruptDataException(_store.Describe(segment.Blob), end, $"expected frames up to LSN {last} here{(at + 1 < view.Segments.Length ? "" : " or in a segment behind")}, found frames up to LSN {Lsn - 1}");
                }
            }

            if (gone is null && Lsn <= lastLsn && _budget > 0 && view.ProvenLsn is not null)
            {
                throw journal.Missing(Lsn, view.Segments[^1].Index + 1);
            }

            return gone;
        }

        /// <summary>The segment that holds the frame, or would.</summary>
        private async Task<(int At, BlobSegment? Gone)> FindAsync(CancellationToken cancellationToken)
        {
            int low = 0;
            int high = view.Segments.Length - 1;
            while (low < high)
            {
                int middle = (low + high + 1) / 2;
                if (await view.Segments[middle].HeaderAsync(_store, cancellationToken).ConfigureAwait(false) is not { } header)
                {
                    return (low, view.Segments[middle]);
                }

                (low, high) = header.FirstLsn <= Lsn ? (middle, high) : (low, middle - 1);
            }

            if (await view.Segments[low].HeaderAsync(_store, cancellationToken).ConfigureAwait(false) is not { } first)
            {
                return (low, view.Segments[low]);
            }

            return first.FirstLsn <= Lsn ? (low, null) : throw journal.Missing(Lsn, Math.Max(0, first.Index - 1));
        }

        /// <returns>False when the blob is gone.</returns>
        private async Task<bool> ReadSegmentAsync(BlobSegment segment, long end, long lastLsn, CancellationToken cancellationToken)
        {
            if (await segment.HeaderAsync(_store, cancellationToken).ConfigureAwait(false) is not { } header
                || await FrameSearch.NearAsync(_store, segment, Lsn, end, cancellationToken).ConfigureAwait(false) is not { } near)
            {
                return false;
            }

            var cursor = new BlobFrameCursor(_store, segment.Blob, header.SegmentId, near.Lsn, near.Position, end)
            {
                ReadAheadTo = Math.Min(segment.Positions.EndOf(Lsn, end), end),
            };
            while (cursor.Lsn < Lsn)
            {
                switch (await cursor.TryTakeAsync(checkBody: false, long.MaxValue, cancellationToken).ConfigureAwait(false))
                {
                    case BlobFrameCursor.Found.Nothing:
                        return false;
                    case BlobFrameCursor.Found.End:
                        return true;
                    default:
                        segment.Positions.Add(cursor.Lsn, cursor.Position);
                        break;
                }
            }

            while (cursor.Lsn <= lastLsn && _budget > 0)
            {
                cursor.ReadAheadTo = Math.Min(cursor.Position + _budget, segment.Positions.EndOf(lastLsn, end));
                long longest = Frames.Count == 0 ? long.MaxValue : _budget; // At least one frame.
                switch (await cursor.TryTakeAsync(checkBody: true, longest, cancellationToken).ConfigureAwait(false))
                {
                    case BlobFrameCursor.Found.Nothing:
                        return false;
                    case BlobFrameCursor.Found.TooLong:
                        _budget = 0;
                        break;
                    case BlobFrameCursor.Found.End:
                        return true;
                    default:
                        Frames.Add(new StoredFrame(Lsn, cursor.Frame));
                        _budget -= cursor.Frame.Length;
                        Lsn = cursor.Lsn;
                        segment.Positions.Add(Lsn, cursor.Position);
                        break;
                }
            }

            segment.Positions.NoteEnd(cursor.Lsn, cursor.Position);
            return true;
        }
    }
}

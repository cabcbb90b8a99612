using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Azure;

/// <summary>
/// What this process knows of a journal. The blobs are the truth: all of it is read from them, save the confirmed end while
/// the writer lives here.
/// </summary>
internal sealed class BlobJournal(BlobStore store, AzureBlobStorageOptions options, string name)
{
    // By index. Guarded by Sync, as are the properties below.
    private List<BlobSegment> _segments = [];
    private bool _isListed;
    private long _trimmedTo;

    public BlobStore Store { get; } = store;

    public AzureBlobStorageOptions Options { get; } = options;

    public string Name { get; } = name;

    /// <summary>Held while the journal is sealed, trimmed or listed.</summary>
    public SemaphoreSlim Gate { get; } = new(1);

    /// <summary>Held for moments.</summary>
    public Lock Sync { get; } = new();

    /// <summary>The writer, if it was created by this process.</summary>
    public BlobJournalWriter? Writer { get; set; }

    /// <summary>Up to where it was confirmed here.</summary>
    public ConfirmedPlace Confirmed { get; set; }

    /// <summary>The same while it is written here, and not sealed.</summary>
    public ConfirmedPlace OwnPlace
    {
        get
        {
            lock (Sync)
            {
                return Writer is null || End is not null ? default : Confirmed;
            }
        }
    }

    /// <summary>The last LSN, once sealed.</summary>
    public long? End { get; set; }

    /// <summary>The first LSN that has not been trimmed.</summary>
    public long FirstLsn { get; private set; } = 1;

    /// <summary>It was trimmed altogether.</summary>
    public bool IsDeleted { get; private set; }

    public JournalView View()
    {
        lock (Sync)
        {
            return new JournalView(
                [.. _segments.Where(s => s.Length > 0)],
                FirstLsn,
                IsDeleted,
                End,
                Writer is null ? null : Confirmed.Lsn);
        }
    }

    /// <summary>Reads what another may have changed: nobody else writes while the writer is here, and little changes once it is sealed.</summary>
    public async Task<JournalView> RefreshAsync(bool always, CancellationToken cancellationToken)
    {
        lock (Sync)
        {
            if (IsDeleted || (!always && (Writer is not null || (_isListed && End is not null))))
            {
                return View();
            }
        }

        Take(await ListAsync(cancellationToken).ConfigureAwait(false));
        return View();
    }

    /// <summary>Adds a segment that the writer goes on in.</summary>
    public void Add(BlobSegment segment)
    {
        lock (Sync)
        {
            _segments.Add(segment);
        }
    }

    /// <summary>Takes segments off the front, so that no read begins there any more.</summary>
    public void Remove(int belowIndex, long firstLsn)
    {
        lock (Sync)
        {
            _segments = [.. _segments.Where(s => s.Index >= belowIndex)];
            FirstLsn = Math.Max(FirstLsn, firstLsn);
        }
    }

    /// <summary>Takes all segments off; the journal is gone.</summary>
    public void SetDeleted()
    {
        lock (Sync)
        {
            _segments = [];
            IsDeleted = true;
        }
    }

    /// <summary>Whether trimming below an LSN would find nothing that it has not found before.</summary>
    public bool IsTrimmedTo(long belowLsn)
    {
        lock (Sync)
        {
            return belowLsn <= _trimmedTo;
        }
    }

    public void SetTrimmedTo(long belowLsn)
    {
        lock (Sync)
        {
            _trimmedTo = Math.Max(_trimmedTo, belowLsn);
        }
    }

    /// <summary>Nothing changes any more: takes over what there is.</summary>
    public void SetSealed(JournalListing listing, long end)
    {
        lock (Sync)
        {
            IsDeleted |= listing.Marks.IsDeleted;
            _segments = IsDeleted ? [] : listing.Segments;
            _segments.ForEach(s => s.Length = s.ListedLength);
            _isListed = true;
            End = end;
        }
    }

    public CorruptDataException Missing(long lsn, int index) =>
        new(Store.Describe(BlobNames.Segment(Name, index)), 0, $"a segment of journal {Name} with LSN {lsn} should exist, and none does");

    /// <summary>Throws unless a segment follows another one, which has all that was confirmed of it.</summary>
    public void ThrowUnlessNext(BlobSegment segment, BlobSegment next, BlobSegmentHeader nextHeader)
    {
        if (next.Index != segment.Index + 1)
        {
            throw Missing(nextHeader.FirstLsn - 1, next.Index - 1);
        }

        if (segment.Length < nextHeader.PreviousLength)
        {
            throw new CorruptDataException(
                Store.Describe(segment.Blob), segment.Length, $"expected {nextHeader.PreviousLength} bytes, as the next segment says; found {segment.Length}");
        }
    }

    /// <summary>Reads which blobs there are.</summary>
    public async Task<JournalListing> ListAsync(CancellationToken cancellationToken)
    {
        List<ListedBlob> blobs = await Store.ListAsync(BlobNames.Journal(Name), cancellationToken).ConfigureAwait(false);
        string? fence = blobs.Find(b => b.Metadata.IsFence)?.Name;
        JournalFence marks = fence is null ? default : await JournalFence.ReadAsync(Store, fence, cancellationToken).ConfigureAwait(false);
        long firstLsn = blobs.Exists(b => b.Name == BlobNames.Trimmed(Name)) ? await TrimmedMark.ReadAsync(Store, Name, cancellationToken).ConfigureAwait(false) : 1;
        lock (Sync)
        {
            var known = _segments.ToDictionary(s => s.Index);
            var found = new List<BlobSegment>();
            foreach (ListedBlob blob in blobs)
            {
                if (!blob.Metadata.IsFence && BlobNames.SegmentIndex(Name, blob.Name) is { } index)
                {
                    BlobSegment segment = known.GetValueOrDefault(index) ?? new BlobSegment(Name, index);
                    segment.ListedLength = blob.Length;
                    found.Add(segment);
                }
            }

            FirstLsn = Math.Max(FirstLsn, firstLsn);
            return new JournalListing(found, fence, marks, blobs.Count);
        }
    }

    private void Take(JournalListing listing)
    {
        lock (Sync)
        {
            if (IsDeleted)
            {
                return;
            }

            IsDeleted = listing.Marks.IsDeleted;
            End ??= listing.Marks.End;
            if (IsDeleted || Writer is null)
            {
                _segments = IsDeleted ? [] : listing.Segments;
                _segments.ForEach(s => s.Length = s.ListedLength);
            }

            _isListed = true;
        }
    }
}

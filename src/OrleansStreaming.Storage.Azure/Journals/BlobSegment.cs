using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Azure;

/// <summary>One append blob of a journal, as far as it is known here.</summary>
internal sealed class BlobSegment(string journal, int index)
{
    private BlobSegmentHeader? _header;
    private SparseIndex? _positions;
    private long _length;

    public int Index { get; } = index;

    /// <summary>The blob's name.</summary>
    public string Blob { get; } = BlobNames.Segment(journal, index);

    /// <summary>How long it is known to be, header included; it may be longer.</summary>
    public long Length
    {
        get => Interlocked.Read(ref _length);
        set => Interlocked.Exchange(ref _length, value);
    }

    /// <summary>How long it was when it was listed last.</summary>
    public long ListedLength { get; set; }

    /// <summary>The header, if it is known.</summary>
    public BlobSegmentHeader? Header => Volatile.Read(ref _positions) is null ? null : _header;

    /// <summary>Where some of its frames are; only when the header is known.</summary>
    public SparseIndex Positions => _positions!;

    public void SetHeader(BlobSegmentHeader header)
    {
        if (_positions is null)
        {
            _header = header;
            Volatile.Write(ref _positions, new SparseIndex(header.FirstLsn, BlobSegmentHeader.Size)); // Last: it says that the header is there.
        }
    }

    /// <summary>The header, read if need be.</summary>
    /// <exception cref="CorruptDataException">It is damaged.</exception>
    /// <returns>Null when the blob is gone.</returns>
    public async ValueTask<BlobSegmentHeader?> HeaderAsync(BlobStore store, CancellationToken cancellationToken)
    {
        if (Header is null)
        {
            BlobPart? part = await store.ReadAsync(Blob, 0, BlobSegmentHeader.Size, version: null, cancellationToken).ConfigureAwait(false);
            if (part is null)
            {
                return null;
            }

            SetHeader(BlobSegmentHeader.Parse(part.Bytes.Span, journal, Index, store.Describe(Blob)));
        }

        return Header;
    }
}

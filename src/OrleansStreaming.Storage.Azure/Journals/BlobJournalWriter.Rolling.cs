using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Azure;

/// <summary>Going on in the next segment.</summary>
internal sealed partial class BlobJournalWriter
{
    private Task<BlobSegment>? _next;

    private bool HasRoom(long bytes) =>
        _position + bytes <= _journal.Options.SegmentSizeBytes
        && _blocks + ((bytes + SegmentAppender.MaxBlockBytes - 1) / SegmentAppender.MaxBlockBytes) <= _journal.Options.SegmentBlocks;

    private async Task RollAsync(CancellationToken cancellationToken)
    {
        BlobSegment next = await TakeAheadAsync(cancellationToken).ConfigureAwait(false)
            ?? await CreateNextAsync(cancellationToken).ConfigureAwait(false);
        _next = null;
        _segment = next;
        _position = 0;
        _blocks = 0;
        _journal.Add(next);
    }

    /// <summary>The segment that was made ahead; null when there is none, or it could not be made: that was some time ago.</summary>
    private async Task<BlobSegment?> TakeAheadAsync(CancellationToken cancellationToken)
    {
        try
        {
            return _next is null ? null : await _next.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (StorageException e) when (e is not JournalFencedException)
        {
            return null;
        }
    }

    /// <summary>Makes the next segment before it is needed, so that no append waits for it.</summary>
    private void MakeAhead()
    {
        if (_next is null && (_position > _journal.Options.SegmentSizeBytes / 2 || _blocks > _journal.Options.SegmentBlocks / 2))
        {
            _next = CreateNextAsync(CancellationToken.None);
            _ = _next.ContinueWith(static task => task.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default); // The roll tries again, and reports it.
        }
    }

    private async Task<BlobSegment> CreateNextAsync(CancellationToken cancellationToken)
    {
        var next = new BlobSegment(_journal.Name, _segment.Index + 1);
        if (await SegmentAppender.CreateAsync(_journal.Store, next.Blob, _id, cancellationToken).ConfigureAwait(false))
        {
            return next;
        }

        BlobLook? there = await _journal.Store.LookAsync(next.Blob, cancellationToken).ConfigureAwait(false);
        throw there is { Metadata.IsFence: true }
            ? new JournalFencedException($"Journal {_journal.Name} has been sealed: nothing of this append is confirmed.")
            : new StorageException($"{_journal.Store.Describe(next.Blob)} exists, and is not of this writer.");
    }
}

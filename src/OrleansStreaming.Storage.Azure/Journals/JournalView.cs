namespace OrleansStreaming.Storage.Azure;

/// <summary>The blobs of a journal.</summary>
/// <param name="Segments">By index.</param>
/// <param name="Fence">The fence's name, if there is one.</param>
/// <param name="Marks">What stands in the fence.</param>
/// <param name="Count">How many blobs there are.</param>
internal sealed record JournalListing(List<BlobSegment> Segments, string? Fence, JournalFence Marks, int Count);

/// <summary>What is known of a journal at one moment.</summary>
/// <param name="Segments">Those that hold frames, by index.</param>
/// <param name="FirstLsn">The first LSN that has not been trimmed.</param>
/// <param name="IsDeleted">It was trimmed altogether.</param>
/// <param name="End">The last LSN, once sealed.</param>
/// <param name="ConfirmedLsn">The last LSN that was confirmed; null when the writer is not here.</param>
internal sealed record JournalView(BlobSegment[] Segments, long FirstLsn, bool IsDeleted, long? End, long? ConfirmedLsn)
{
    /// <summary>The last LSN that is known to be there.</summary>
    public long? ProvenLsn => End ?? ConfirmedLsn;
}

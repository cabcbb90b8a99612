namespace OrleansStreaming.Core;

/// <summary>One journal being read, for all partitions of a wave.</summary>
internal sealed class JournalPass(int journal, Dictionary<int, Opening> readers)
{
    public int Journal { get; } = journal;

    /// <summary>Those that still want to be opened.</summary>
    public IEnumerable<Opening> Readers => readers.Values.Where(o => o.Stage != OpeningStage.Dropped);

    /// <summary>From where on the readers that are left need it, at or above a position.</summary>
    public long NeededFrom(long lsn) => Math.Max(lsn, Readers.SelectMany(o => o.Ranges).Where(r => r.Journal == Journal).Select(r => r.From).DefaultIfEmpty(lsn).Min());

    /// <summary>The blocks that are wanted. From any thread: what the readers want does not change.</summary>
    public List<FoundBlock> Find(IReadOnlyList<StoredFrame> frames)
    {
        var found = new List<FoundBlock>();
        foreach (StoredFrame frame in frames)
        {
            found.AddRange(FrameCodec.Find(
                Journal, frame, (partition, first) => readers.TryGetValue(partition, out Opening? reader) && reader.Wants(first, Journal, frame.Lsn)));
        }

        return found;
    }

    public void Take(List<FoundBlock> found)
    {
        foreach (FoundBlock block in found)
        {
            readers[block.Block.Partition].Add(block);
        }
    }
}

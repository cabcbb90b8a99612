namespace OrleansStreaming.Core;

/// <summary>
/// A partition on its way to be served: looked at, claimed, and read meanwhile. What a manifest names never changes, so it may
/// be read before the claim is written: a claim takes effect only on the very manifest that was looked at.
/// </summary>
internal sealed class Opening(PartitionManifest looked, string? tag)
{
    public int Partition { get; } = looked.Partition;

    public OpeningStage Stage { get; private set; }

    /// <summary>As it was looked at, and from the claim on with this silo as its owner.</summary>
    public PartitionManifest Manifest { get; private set; } = looked;

    /// <summary>Of that manifest in storage; null when there is none yet.</summary>
    public string? Tag { get; private set; } = tag;

    public List<(int Journal, int Epoch, long From, long To)> Ranges { get; } = [];

    public List<LogBlock> Blocks { get; } = [];

    public int JournalsLeft { get; set; } = 1;

    public List<CheckpointRun>? Runs { get; private set; }

    /// <summary>Grains that wait for something.</summary>
    public List<(int Operator, byte[] Key)> Waiting { get; private set; } = [];

    public ProducerTable? Table { get; private set; }

    /// <summary>Its checkpoints are being read.</summary>
    public bool ReadsRuns { get; set; }

    /// <summary>
    /// They could not be read: before it was claimed, perhaps because whoever claimed it first has deleted them, and are read
    /// when it is claimed; after that they are read again after a while.
    /// </summary>
    public bool RunsFailed { get; set; }

    /// <summary>They are yet to be read, and nobody has begun to.</summary>
    public bool NeedsRuns => Runs is null && !ReadsRuns && !RunsFailed;

    /// <summary>First offsets of the blocks that were found in journals.</summary>
    private readonly HashSet<long> _known = [];

    /// <summary>Records at or below are trimmed, or in archives.</summary>
    private readonly long _inJournalsFrom = looked.Archives.Count == 0 ? looked.TrimmedTo : Math.Max(looked.TrimmedTo, looked.Archives[^1].Last);

    /// <summary>The claim is on its way.</summary>
    public void Claiming(PartitionManifest claim) => (Stage, Manifest) = (OpeningStage.Claiming, claim);

    /// <summary>The claim took effect.</summary>
    public void Claimed(PartitionManifest claim, string tag) => (Stage, Manifest, Tag) = (OpeningStage.Claimed, claim, tag);

    public void Drop() => Stage = OpeningStage.Dropped;

    public void Took(List<CheckpointRun> runs, List<(int Operator, byte[] Key)> waiting, ProducerTable table, List<LogBlock> archived)
    {
        (Runs, Waiting, Table) = (runs, waiting, table);
        Blocks.AddRange(archived.Where(b => b.LastOffset > Manifest.TrimmedTo));
    }

    /// <summary>Takes a block, unless it is trimmed, archived, or was found in another journal.</summary>
    public void Add(FoundBlock found)
    {
        if (Stage != OpeningStage.Dropped && found.Block.LastOffset > _inJournalsFrom && _known.Add(found.Block.First.Value))
        {
            Blocks.Add(found.Load());
        }
    }

    /// <summary>From any thread.</summary>
    public bool Wants(Offset first, int journal, long lsn)
    {
        foreach ((int j, int epoch, long from, long to) in Ranges)
        {
            if (j == journal && epoch == first.Epoch && lsn >= from && lsn <= to)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether records are missing between those that were found.</summary>
    public string? FindGap()
    {
        long previous = Manifest.TrimmedTo;
        foreach (LogBlock block in Blocks)
        {
            bool follows = block.First.Value <= previous + 1
                || (block.First.Number == 0 && block.First.Epoch > new Offset(previous).Epoch);
            if (!follows)
            {
                return $"records are missing between {new Offset(previous)} and {block.First}";
            }

            previous = block.LastOffset;
        }

        return null;
    }
}

/// <summary>How far a partition is on its way to be served.</summary>
internal enum OpeningStage
{
    /// <summary>The journal of its dead owner is not sealed yet.</summary>
    Awaiting,

    /// <summary>The claim is on its way.</summary>
    Claiming,

    /// <summary>The claim took effect: this silo owns it.</summary>
    Claimed,

    /// <summary>It belongs elsewhere, or somebody else wrote its manifest.</summary>
    Dropped,
}

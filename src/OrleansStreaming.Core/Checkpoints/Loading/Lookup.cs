namespace OrleansStreaming.Core;

/// <summary>The search for one grain's newest checkpoint, and for what that builds on.</summary>
internal sealed class Lookup(int operatorId, Grain grain, CheckpointRun[] runs)
{
    private readonly int _generation = grain.Generation;
    private int _next = runs.Length;
    private bool _looked = true;

    /// <summary>What has changed, newest first, until what it builds on is found.</summary>
    private List<byte[]>? _parts;

    /// <summary>Who is told.</summary>
    public OperatorHost? Host { get; init; }

    public Grain Grain { get; } = grain;

    /// <summary>The runs that were committed when it began.</summary>
    public CheckpointRun[] Runs { get; } = runs;

    public CheckpointRun Run => Runs[_next];

    /// <summary>The block that may have it.</summary>
    public int Block { get; private set; } = -1;

    /// <summary>Position of the newest entry.</summary>
    public long Position { get; private set; } = Offset.None.Value;

    public List<PendingRequest>? Pending { get; private set; }

    public ReadOnlyMemory<byte> State { get; private set; }

    /// <summary>Bytes of the deltas that the state was made with.</summary>
    public long DeltaBytes { get; private set; }

    /// <summary>How many of them have moved bytes.</summary>
    public int Moves { get; private set; }

    /// <summary>The grain still waits for it.</summary>
    public bool IsWanted => Grain.Phase == GrainPhase.Loading && Grain.Generation == _generation;

    /// <summary>Moves to the next block that may have the grain, unless it stands on one that it has not looked at.</summary>
    public bool MoveToCandidate()
    {
        while (_looked)
        {
            Block = Block >= 0 ? Run.FindBlockBefore(Block, Grain.Hash) : -1;
            if (Block < 0)
            {
                if (--_next < 0)
                {
                    return false;
                }

                Block = Run.FindBlock(operatorId, Grain.Hash);
            }

            _looked = Block < 0 || !Run.BlockMayContain(Block, Grain.Hash);
        }

        return true;
    }

    /// <summary>Looks at the block; true when the state is complete.</summary>
    public bool Look(RunWindow window)
    {
        _looked = true;
        if (!window.TryFind(Block, Grain.Hash, Grain.Key, out RunEntry entry))
        {
            return false;
        }

        List<PendingRequest>? pending = Take(entry, out ReadOnlySpan<byte> content);
        if (Position < 0)
        {
            Position = entry.Position;
            Pending = pending;
        }

        Block = -1; // A run has a grain once.
        if ((entry.Kind & EntryKind.Delta) != 0)
        {
            (_parts ??= []).Add(content.ToArray());
            return false;
        }

        State = content.ToArray();
        if (_parts is not null)
        {
            byte[] parts = StateDelta.Join(_parts);
            DeltaBytes = parts.Length;
            State = StateDelta.Apply(Run.Name, parts, content, entry.Position, out int moves);
            Moves = moves;
        }

        return true;
    }

    /// <summary>What was found is not older than what is known to be committed.</summary>
    public void ThrowIfStale()
    {
        if (Position < Grain.Committed)
        {
            throw new CorruptDataException(Run.Name, Run.PlaceOf(0), $"expected a checkpoint at {new Offset(Grain.Committed)} or later in this run or a newer one");
        }
    }

    /// <summary>All runs have been searched: that is right only for a grain that never had a checkpoint.</summary>
    public void ThrowUnlessNew()
    {
        if (_parts is not null || Grain.Committed >= 0)
        {
            throw new CorruptDataException(
                Runs.Length == 0 ? "runs" : Runs[0].Name, 0, $"expected the checkpoint that the one at {new Offset(Math.Max(Position, Grain.Committed))} builds on");
        }
    }

    private List<PendingRequest>? Take(in RunEntry entry, out ReadOnlySpan<byte> content)
    {
        try
        {
            return RunEntry.ReadPending(entry.Kind, entry.Body, out content);
        }
        catch (Exception e) when (Varint.IsOutside(e))
        {
            throw new CorruptDataException(Run.Name, Run.PlaceOf(Block), $"a checkpoint matches its checksum, but ends outside of itself: {e.Message}");
        }
    }
}

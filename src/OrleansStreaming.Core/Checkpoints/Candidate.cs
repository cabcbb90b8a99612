namespace OrleansStreaming.Core;

/// <summary>How far a checkpoint has come.</summary>
internal enum CandidatePhase
{
    /// <summary>Grains are being copied.</summary>
    Capturing,

    /// <summary>The copies are being written.</summary>
    Writing,

    /// <summary>Waits until it may be committed.</summary>
    Written,

    /// <summary>The manifest is being written.</summary>
    Committing,

    /// <summary>It is committed; grains are being told.</summary>
    Applying,
}

/// <summary>A checkpoint on its way.</summary>
internal sealed class Candidate(CaptureBuffer buffer)
{
    private int _host;

    public CandidatePhase Phase { get; set; }

    /// <summary>It is, or may be, in the manifest: it can no longer be dropped.</summary>
    public bool IsCommitting => Phase is CandidatePhase.Committing or CandidatePhase.Applying;

    /// <summary>The operator whose grains are being copied.</summary>
    public int NextHost { get; set; }

    public CaptureBuffer Buffer { get; } = buffer;

    /// <summary>Grains of that operator whose turns it waits for.</summary>
    public HashSet<Grain> Late { get; } = [];

    /// <summary>Since when it waits for them; -1 when it does not.</summary>
    public long LateSinceMs { get; set; } = -1;

    /// <summary>So many grains know that they are covered.</summary>
    public int Applied { get; set; }

    public string? RunName { get; set; }

    public CheckpointRun? Run { get; set; }

    public string? Table { get; set; }

    public string? ArchiveName { get; set; }

    public ArchiveInfo? Archive { get; set; }

    public List<(LogBlock Block, ArchivePlace Place)> Archived { get; set; } = [];

    public long TablePosition { get; set; }

    public CausalityVector? Vector { get; set; }

    public long Lsn { get; set; }

    public long SendMark { get; set; }

    /// <summary>What it has taken: of the loop, and of another thread to bring the copies into order and write them.</summary>
    public long Micros { get; set; }

    /// <summary>A manifest that names its files has been sent: they may yet be committed, whatever the answer was.</summary>
    public bool Tried { get; set; }

    public bool Dropped { get; set; }

    /// <summary>It was asked for, by a move or an end: the table of names is to cover all that it can.</summary>
    public bool LeavesNothing { get; init; }

    /// <summary>The manifest that it has replaced.</summary>
    public PartitionManifest? Before { get; set; }

    /// <summary>The operator of a copy; cheap for one after the other.</summary>
    public OperatorHost HostOf(int index, Partition partition)
    {
        ReadOnlySpan<int> ends = Buffer.HostEnds;
        if (_host > 0 && index < ends[_host - 1])
        {
            _host = 0;
        }

        while (_host < ends.Length && index >= ends[_host])
        {
            _host++;
        }

        return partition.Hosts[_host];
    }
}

namespace OrleansStreaming.Testing.Simulation;

/// <summary>The versions that one grain has had in one owner, as the reference computes them.</summary>
internal sealed class GrainHistory
{
    private readonly List<GrainVersion> _versions = [];

    /// <summary>Copies on their way into a checkpoint, by position, with all versions that they cover.</summary>
    public Dictionary<long, IReadOnlyList<GrainVersion>> Captured { get; } = [];

    /// <summary>It is being brought back.</summary>
    public bool Away { get; set; }

    public GrainVersion Last => _versions.Count == 0 ? GrainVersion.Initial : _versions[^1];

    public void Add(GrainVersion version)
    {
        Away = false;
        _versions.Add(version);
    }

    public void Capture(long position)
    {
        int count = _versions.FindLastIndex(v => v.Position <= position) + 1;
        Captured[position] = count == 0 ? [GrainVersion.Initial] : _versions.GetRange(0, count);
    }

    /// <summary>The grain is back at a version that it has had here. False when it has not.</summary>
    public bool TryReturn(long position)
    {
        Away = false;
        int at = position < 0 ? -1 : _versions.FindLastIndex(v => v.Position == position);
        if (position >= 0 && at < 0)
        {
            return false;
        }

        _versions.RemoveRange(at + 1, _versions.Count - at - 1);
        return true;
    }

    /// <summary>The grain starts from a checkpoint.</summary>
    public void StartFrom(GrainVersion version)
    {
        _versions.Clear();
        _versions.Add(version);
    }
}

using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>A journal in storage.</summary>
internal sealed class StoredJournal(string name)
{
    private readonly List<(long Lsn, byte[] Bytes)> _frames = [];

    public string Name { get; } = name;

    public bool Created { get; set; }

    public bool Fenced { get; private set; }

    /// <summary>The last frame that is stored, confirmed or not.</summary>
    public long End { get; private set; }

    /// <summary>The last frame whose append was confirmed to the writer.</summary>
    public long Confirmed { get; set; }

    public long TrimmedBelow { get; private set; }

    public long Bytes { get; private set; }

    public void Store(FrameToWrite frame)
    {
        if (Fenced)
        {
            throw new JournalFencedException($"{Name} is sealed at {End}");
        }

        if (frame.Lsn != End + 1)
        {
            throw new SimulationException("I1", $"{Name} holds frames up to {End}, but frame {frame.Lsn} is appended");
        }

        byte[] bytes = new byte[frame.Length];
        int at = 0;
        foreach (ReadOnlyMemory<byte> piece in frame.Pieces)
        {
            piece.Span.CopyTo(bytes.AsSpan(at));
            at += piece.Length;
        }

        if (at != frame.Length)
        {
            throw new SimulationException("I1", $"frame {frame.Lsn} of {Name} should have {frame.Length} bytes but has {at}");
        }

        _frames.Add((frame.Lsn, bytes));
        End = frame.Lsn;
        Bytes += bytes.Length;
    }

    public long Seal()
    {
        Fenced = !SimulationMutations.NoFence;
        return End;
    }

    public List<StoredFrame> Read(long from, long to, int maxBytes)
    {
        var frames = new List<StoredFrame>();
        int bytes = 0;
        foreach ((long lsn, byte[] content) in _frames)
        {
            if (lsn < from || lsn > to)
            {
                continue;
            }

            if (bytes > 0 && bytes + content.Length > maxBytes)
            {
                break;
            }

            frames.Add(new StoredFrame(lsn, content));
            bytes += content.Length;
        }

        return frames;
    }

    public int Trim(long below)
    {
        TrimmedBelow = Math.Max(TrimmedBelow, Math.Min(below, End + 1));
        return _frames.RemoveAll(f => f.Lsn < below);
    }
}

/// <summary>Promises of storage that the simulator can break.</summary>
internal static class SimulationMutations
{
    /// <summary>A sealed journal takes appends.</summary>
    public static bool NoFence;
}

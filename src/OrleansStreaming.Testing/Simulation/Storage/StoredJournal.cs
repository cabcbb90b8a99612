using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>A journal in storage: whole frames, and perhaps the torn start of one more.</summary>
internal sealed class StoredJournal(string name, SimulatedWorld world)
{
    private readonly List<StoredFrame> _frames = [];
    private byte[] _torn = [];

    public string Name { get; } = name;

    public bool Created { get; set; }

    public bool Fenced { get; private set; }

    /// <summary>The last frame that is stored, confirmed or not.</summary>
    public long End { get; private set; }

    /// <summary>The last frame whose append was confirmed to the writer.</summary>
    public long Confirmed { get; private set; }

    public void Store(FrameToWrite frame)
    {
        if (Fenced)
        {
            throw new JournalFencedException($"{Name} is sealed at {End}");
        }

        world.Oracle.Prefix.Stored(Name, End, frame.Lsn);
        _frames.Add(new StoredFrame(frame.Lsn, BytesOf(frame)));
        End = frame.Lsn;
        world.Oracle.StoredFrame(Name, frame.Lsn);
    }

    /// <summary>The writer dies while it appends: so many bytes reach storage.</summary>
    public void StoreTorn(IEnumerable<FrameToWrite> frames, int bytes)
    {
        foreach (FrameToWrite frame in Fenced ? [] : frames)
        {
            if (bytes < frame.Length)
            {
                _torn = BytesOf(frame)[..bytes];
                return;
            }

            Store(frame);
            bytes -= frame.Length;
        }
    }

    /// <summary>Answers the writer, unless a seal came first.</summary>
    public void Confirm(long lsn)
    {
        if (Fenced)
        {
            throw new JournalFencedException($"{Name} is sealed");
        }

        Confirmed = lsn;
        world.Oracle.Seals.Confirmed(Name, lsn);
    }

    /// <summary>Fences the journal and finds its end: a torn frame is none.</summary>
    public long Seal()
    {
        bool whole = FrameHeader.TryRead(_torn, out FrameHeader header, out _) && header.Matches(_torn.AsSpan(FrameHeader.Size));
        if (whole)
        {
            world.Fail("I1", $"{_torn.Length} bytes of a torn frame of {Name} pass for a whole one");
        }

        _torn = [];
        Fenced = !SimulationMutations.NoFence;
        world.Oracle.Prefix.Read(Name, _frames);
        world.Oracle.Seals.Fenced(Name, End, Confirmed);
        return End;
    }

    public List<StoredFrame> Read(long from, long to, int maxBytes)
    {
        var frames = new List<StoredFrame>();
        int bytes = 0;
        foreach (StoredFrame frame in _frames)
        {
            if (frame.Lsn < from || frame.Lsn > to)
            {
                continue;
            }

            if (bytes > 0 && bytes + frame.Bytes.Length > maxBytes)
            {
                break;
            }

            frames.Add(frame);
            bytes += frame.Bytes.Length;
        }

        return frames;
    }

    public int Trim(long below) => _frames.RemoveAll(f => f.Lsn < below);

    private static byte[] BytesOf(FrameToWrite frame)
    {
        byte[] bytes = new byte[frame.Length];
        int at = 0;
        foreach (ReadOnlyMemory<byte> piece in frame.Pieces)
        {
            piece.Span.CopyTo(bytes.AsSpan(at));
            at += piece.Length;
        }

        return bytes;
    }
}

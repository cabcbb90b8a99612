using OrleansStreaming.Core;

namespace OrleansStreaming.Testing;

/// <summary>A journal in memory; guarded by the lock of its data.</summary>
internal sealed class MemoryJournal(string name)
{
    private readonly List<StoredFrame> _frames = [];
    private long _confirmed;
    private long? _end;
    private bool _isCut;

    public string Name { get; } = name;

    public void Store(IReadOnlyList<FrameToWrite> frames)
    {
        ThrowIfEnded();
        foreach (FrameToWrite frame in frames)
        {
            byte[] bytes = new byte[frame.Length];
            int at = 0;
            foreach (ReadOnlyMemory<byte> piece in frame.Pieces)
            {
                piece.CopyTo(bytes.AsMemory(at));
                at += piece.Length;
            }

            _frames.Add(new StoredFrame(frame.Lsn, bytes));
        }
    }

    /// <summary>Confirms all that is stored, unless a seal came first.</summary>
    public void Confirm()
    {
        ThrowIfEnded();
        _confirmed = Last;
    }

    public long Seal() => _end ??= Last;

    public IReadOnlyList<StoredFrame> Read(long fromLsn, long toLsn, int maxBytes)
    {
        var read = new List<StoredFrame>();
        long bytes = 0, last = Math.Min(toLsn, _end ?? _confirmed);
        foreach (StoredFrame frame in _frames)
        {
            if (frame.Lsn < fromLsn)
            {
                continue;
            }

            bytes += frame.Bytes.Length;
            if (frame.Lsn > last || (read.Count > 0 && bytes > maxBytes))
            {
                break;
            }

            read.Add(frame);
        }

        return read;
    }

    public void Trim(long belowLsn)
    {
        // The last frame stays while more can come, since it tells where the journal stands.
        long last = _end is not null && belowLsn == long.MaxValue ? long.MaxValue : Math.Min(belowLsn, _confirmed);
        _frames.RemoveAll(frame => frame.Lsn < last);
    }

    /// <summary>Loses what is not confirmed, or some of it, and ends the writer.</summary>
    public void CutTail(Random? random)
    {
        _isCut = true;
        if (_end is null)
        {
            long keep = random is null ? _confirmed : random.NextInt64(_confirmed, Last + 1);
            _frames.RemoveAll(frame => frame.Lsn > keep);
        }
    }

    private long Last => _frames.Count > 0 ? _frames[^1].Lsn : _confirmed;

    private void ThrowIfEnded()
    {
        if (_end is { } end)
        {
            throw new JournalFencedException($"Journal {Name} has been sealed at {end}.");
        }

        if (_isCut)
        {
            throw new StorageException($"Journal {Name} has been cut: its writer is dead.");
        }
    }
}

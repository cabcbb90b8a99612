using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace OrleansStreaming.Core;

/// <summary>
/// Makes one run of several neighbours, some blocks at a time: of each grain the newest entry stays, with what it builds on.
/// </summary>
internal sealed class RunMerge(IStorage storage, IReadOnlyList<CheckpointRun> runs, RunLimits limits, ISiloPorts? clock) : IDisposable
{
    private readonly RunWriter _writer = new(limits.BlockBytes, limits.WindowBytes, runs.Min(r => r.BasePosition));

    /// <summary>Newest first.</summary>
    private readonly List<RunCursor> _cursors = [];

    /// <summary>Those that stand on the grain that comes next, newest first.</summary>
    private readonly List<RunCursor> _grain = [];
    private readonly List<byte[]> _parts = [];

    public RunWriter Writer => _writer;

    /// <summary>What it has taken, without what storage took.</summary>
    public long Micros { get; private set; }

    /// <summary>The bytes of the merged run. Pieces are valid until the next is asked for.</summary>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> WriteAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (int i = runs.Count - 1; i >= 0; i--)
        {
            var cursor = new RunCursor(runs[i], limits.WindowBytes);
            _cursors.Add(cursor);
            await cursor.FillAsync(storage, cancellationToken).ConfigureAwait(false);
        }

        for (bool more = true; more;)
        {
            long started = Now;
            more = MergeSome();
            Micros += Now - started;
            if (_writer.HasPiece)
            {
                yield return _writer.TakePiece();
            }

            foreach (RunCursor cursor in _grain)
            {
                if (cursor.NeedsFill)
                {
                    await cursor.FillAsync(storage, cancellationToken).ConfigureAwait(false);
                }
            }
        }

        yield return _writer.Finish();
    }

    /// <summary>Gives the memory back; what was written must have been stored, or given up.</summary>
    public void Dispose()
    {
        _cursors.ForEach(c => c.Dispose());
        _writer.Dispose();
    }

    private long Now => clock?.TicksMicros ?? 0;

    /// <summary>Writes grains until there is a piece or something must be read; false at the end.</summary>
    private bool MergeSome()
    {
        try
        {
            while (FindGrain())
            {
                WriteGrain();
                bool isRead = true;
                foreach (RunCursor cursor in CollectionsMarshal.AsSpan(_grain))
                {
                    cursor.MoveNext();
                    isRead &= !cursor.NeedsFill;
                }

                if (!isRead || _writer.HasPiece)
                {
                    return true;
                }
            }

            return false;
        }
        catch (Exception e) when (Varint.IsOutside(e))
        {
            throw new CorruptDataException(_grain[0].Run.Name, 0, $"a checkpoint matches its checksum, but ends outside of itself: {e.Message}");
        }
    }

    /// <summary>Finds the grain that comes next. Some ten runs are merged at a time, which are looked through faster than kept in order.</summary>
    private bool FindGrain()
    {
        _grain.Clear();
        RunCursor? first = null;
        foreach (RunCursor cursor in CollectionsMarshal.AsSpan(_cursors))
        {
            if (cursor.AtEnd)
            {
                continue;
            }

            int order = first is null ? -1 : cursor.CompareTo(first);
            if (order < 0)
            {
                _grain.Clear();
                first = cursor;
            }

            if (order <= 0)
            {
                _grain.Add(cursor);
            }
        }

        return first is not null;
    }

    private void WriteGrain()
    {
        RunCursor newest = _grain[Mutations.MergeOldest ? _grain.Count - 1 : 0];
        if ((newest.Kind & EntryKind.Delta) == 0 || _grain.Count == 1)
        {
            newest.CopyTo(_writer);
        }
        else
        {
            WriteFolded(newest, newest.Entry);
        }
    }

    /// <summary>Puts what has changed together with what it changes, as far down as this merge has it.</summary>
    private void WriteFolded(RunCursor newest, RunEntry entry)
    {
        // What the grain waits for is that of the newest; the bytes of it stay as they are.
        RunEntry.ReadPending(entry.Kind, entry.Body, out ReadOnlySpan<byte> changes);
        ReadOnlySpan<byte> pending = entry.Body[..^changes.Length];
        _parts.Clear();
        byte[]? state = null;
        long position = 0;
        foreach (RunCursor cursor in _grain)
        {
            RunEntry older = cursor.Entry;
            RunEntry.ReadPending(older.Kind, older.Body, out ReadOnlySpan<byte> content);
            if ((older.Kind & EntryKind.Delta) == 0)
            {
                state = content.ToArray();
                position = older.Position;
                break;
            }

            _parts.Add(content.ToArray());
        }

        byte[] parts = StateDelta.Join(_parts);
        byte[] result = state is null ? parts : StateDelta.Apply(newest.Run.Name, parts, state, position, out _);
        EntryKind kind = state is null ? entry.Kind : entry.Kind & ~EntryKind.Delta;
        _writer.Add(newest.Operator, newest.Hash, entry.Key, kind, entry.Position, [.. pending, .. result]);
    }
}

/// <summary>Sizes of the parts of runs.</summary>
/// <param name="BlockBytes">A block is closed when it has this much.</param>
/// <param name="WindowBytes">About how much is read or written at once.</param>
internal readonly record struct RunLimits(int BlockBytes, int WindowBytes);

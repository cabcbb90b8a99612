using System.Runtime.CompilerServices;

namespace OrleansStreaming.Core;

/// <summary>
/// Makes one run of several neighbours, some blocks at a time: of each grain the newest entry stays, with what it builds on.
/// </summary>
internal sealed class RunMerge(IStorage storage, IReadOnlyList<CheckpointRun> runs, RunLimits limits, ISiloPorts? clock) : IDisposable
{
    private readonly RunWriter _writer = new(limits.BlockBytes, limits.WindowBytes, runs.Min(r => r.BasePosition));
    private readonly List<RunCursor> _cursors = [];
    private readonly List<RunCursor> _heap = [];
    private readonly List<RunCursor> _grain = [];
    private readonly List<byte[]> _parts = [];

    public RunWriter Writer => _writer;

    /// <summary>What it has taken, without what storage took.</summary>
    public long Micros { get; private set; }

    /// <summary>The bytes of the merged run. Pieces are valid until the next is asked for.</summary>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> WriteAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (int i = 0; i < runs.Count; i++)
        {
            var cursor = new RunCursor(runs[i], limits.WindowBytes, runs.Count - i);
            _cursors.Add(cursor);
            await cursor.FillAsync(storage, cancellationToken).ConfigureAwait(false);
            Push(cursor);
        }

        long started = Now;
        while (_heap.Count > 0)
        {
            try
            {
                TakeGrain();
            }
            catch (Exception e) when (Varint.IsOutside(e))
            {
                throw new CorruptDataException(_grain[0].Run.Name, 0, $"a checkpoint matches its checksum, but ends outside of itself: {e.Message}");
            }

            if (_writer.HasPiece)
            {
                Micros += Now - started;
                yield return _writer.TakePiece();
                started = Now;
            }

            foreach (RunCursor cursor in _grain)
            {
                cursor.MoveNext();
                if (cursor.NeedsFill)
                {
                    Micros += Now - started;
                    await cursor.FillAsync(storage, cancellationToken).ConfigureAwait(false);
                    started = Now;
                }

                Push(cursor);
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

    /// <summary>Writes the next grain; what stood on it is taken off the heap.</summary>
    private void TakeGrain()
    {
        _grain.Clear();
        do
        {
            _grain.Add(Pop());
        }
        while (_heap.Count > 0 && _heap[0].IsSameGrain(_grain[0]));

        RunCursor newest = _grain[Mutations.MergeOldest ? _grain.Count - 1 : 0];
        RunEntry entry = newest.Entry;
        if ((entry.Kind & EntryKind.Delta) == 0 || _grain.Count == 1)
        {
            _writer.Add(newest.Operator, newest.Hash, entry.Key, entry.Kind, entry.Position, entry.Body);
        }
        else
        {
            WriteFolded(newest, entry);
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

    private void Push(RunCursor cursor)
    {
        if (cursor.AtEnd)
        {
            return;
        }

        _heap.Add(cursor);
        int i = _heap.Count - 1;
        while (i > 0 && cursor.CompareTo(_heap[(i - 1) / 2]) < 0)
        {
            _heap[i] = _heap[(i - 1) / 2];
            i = (i - 1) / 2;
        }

        _heap[i] = cursor;
    }

    private RunCursor Pop()
    {
        RunCursor top = _heap[0], last = _heap[^1];
        _heap.RemoveAt(_heap.Count - 1);
        if (_heap.Count > 0)
        {
            int i = 0;
            while (true)
            {
                int child = (2 * i) + 1;
                if (child >= _heap.Count)
                {
                    break;
                }

                if (child + 1 < _heap.Count && _heap[child + 1].CompareTo(_heap[child]) < 0)
                {
                    child++;
                }

                if (last.CompareTo(_heap[child]) <= 0)
                {
                    break;
                }

                _heap[i] = _heap[child];
                i = child;
            }

            _heap[i] = last;
        }

        return top;
    }
}

/// <summary>Sizes of the parts of runs.</summary>
/// <param name="BlockBytes">A block is closed when it has this much.</param>
/// <param name="WindowBytes">About how much is read or written at once.</param>
internal readonly record struct RunLimits(int BlockBytes, int WindowBytes);

using System.Buffers;

namespace OrleansStreaming.Core;

/// <summary>Reads a run from its beginning to its end, some blocks at a time, into the same memory again and again.</summary>
internal sealed class RunCursor(CheckpointRun run, int windowBytes) : IDisposable
{
    private byte[] _buffer = [];
    private RunWindow? _window;
    private RunEntryLayout _entry;
    private int _block = -1;

    /// <summary>Where the entries of the block end in the buffer.</summary>
    private int _end;

    public CheckpointRun Run => run;

    public int Operator { get; private set; }

    public ulong Hash { get; private set; }

    /// <summary>The entry that it stands on.</summary>
    public RunEntry Entry => _entry.In(_buffer);

    /// <summary>Nothing is left.</summary>
    public bool AtEnd => _block >= run.Blocks;

    /// <summary>More must be read with <see cref="FillAsync"/> before it can move.</summary>
    public bool NeedsFill => !AtEnd && (_window is null || _block >= _window.End);

    public EntryKind Kind => _entry.Kind;

    private ReadOnlySpan<byte> Key => _buffer.AsSpan(_entry.KeyAt, _entry.KeyLength);

    /// <summary>Reads the next blocks.</summary>
    public async ValueTask FillAsync(IStorage storage, CancellationToken cancellationToken)
    {
        int first = Math.Max(_block, 0);
        if (first >= run.Blocks)
        {
            _block = run.Blocks;
            return;
        }

        int end = run.WindowOf(first, windowBytes).End, bytes = run.BytesOf(first, end);
        if (_buffer.Length < bytes)
        {
            Dispose();
            _buffer = ArrayPool<byte>.Shared.Rent(bytes);
        }

        _window = await run.ReadAsync(storage, first, end, _buffer, cancellationToken).ConfigureAwait(false);
        Enter(first);
    }

    /// <summary>Moves to the next entry; at the end of what has been read, <see cref="NeedsFill"/> or <see cref="AtEnd"/>.</summary>
    public void MoveNext()
    {
        if (_entry.End < _end)
        {
            Parse(_entry.End);
        }
        else if (_block + 1 < _window!.End)
        {
            Enter(_block + 1);
        }
        else
        {
            _block++;
        }
    }

    /// <summary>Writes the entry as it is.</summary>
    public void CopyTo(RunWriter writer) => writer.Add(Operator, Hash, Key, _entry.Kind, _entry.Position, _buffer.AsSpan(_entry.BodyAt, _entry.End - _entry.BodyAt));

    /// <summary>Gives the memory back: no entry of it may be looked at any more.</summary>
    public void Dispose()
    {
        if (_buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = [];
        }
    }

    /// <summary>The order of runs: by operator, hash and key. 0 for entries of one grain.</summary>
    public int CompareTo(RunCursor other)
    {
        int order = Operator.CompareTo(other.Operator);
        order = order != 0 ? order : Hash.CompareTo(other.Hash);
        return order != 0 ? order : Key.SequenceCompareTo(other.Key);
    }

    private void Enter(int block)
    {
        int length = _window!.EntriesOf(block, out long place).Length, start = (int)(place - run.PlaceOf(_window.First));
        (_block, _end, Operator) = (block, start + length, run.OperatorOf(block));
        Parse(start);
    }

    private void Parse(int start)
    {
        try
        {
            RunEntry.Parse(_buffer.AsSpan(0, _end), start, run.BasePosition, out _entry);
        }
        catch (Exception e) when (Varint.IsOutside(e))
        {
            throw new CorruptDataException(run.Name, run.PlaceOf(_window!.First) + start, $"the block matches its checksum, but an entry ends outside of it: {e.Message}");
        }

        Hash = KeyHash.Compute(Key);
    }
}

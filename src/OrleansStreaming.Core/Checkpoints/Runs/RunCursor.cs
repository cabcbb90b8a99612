using System.Buffers;

namespace OrleansStreaming.Core;

/// <summary>Reads a run from its beginning to its end, some blocks at a time, into the same memory again and again.</summary>
internal sealed class RunCursor(CheckpointRun run, int windowBytes, int age) : IDisposable
{
    private byte[] _buffer = [];
    private RunWindow? _window;
    private int _block = -1;
    private int _start;
    private int _next;

    public CheckpointRun Run => run;

    /// <summary>Larger is older.</summary>
    public int Age => age;

    public int Operator { get; private set; }

    public ulong Hash { get; private set; }

    /// <summary>The entry that it stands on.</summary>
    public RunEntry Entry
    {
        get
        {
            int at = _start;
            return RunEntry.Read(Entries(out _), ref at, run.BasePosition);
        }
    }

    /// <summary>Nothing is left.</summary>
    public bool AtEnd => _block >= run.Blocks;

    /// <summary>More must be read with <see cref="FillAsync"/> before it can move.</summary>
    public bool NeedsFill => !AtEnd && (_window is null || _block >= _window.End);

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
        Parse();
    }

    /// <summary>Moves to the next entry; at the end of what has been read, <see cref="NeedsFill"/> or <see cref="AtEnd"/>.</summary>
    public void MoveNext()
    {
        _start = _next;
        if (_start < Entries(out _).Length)
        {
            Parse();
            return;
        }

        if (_block + 1 < _window!.End)
        {
            Enter(_block + 1);
            Parse();
        }
        else
        {
            _block++;
        }
    }

    /// <summary>Gives the memory back: no entry of it may be looked at any more.</summary>
    public void Dispose()
    {
        if (_buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = [];
        }
    }

    /// <summary>The order of runs: by operator, hash and key; of one grain the newest first.</summary>
    public int CompareTo(RunCursor other)
    {
        int order = Operator.CompareTo(other.Operator);
        order = order != 0 ? order : Hash.CompareTo(other.Hash);
        order = order != 0 ? order : Entry.Key.SequenceCompareTo(other.Entry.Key);
        return order != 0 ? order : Age.CompareTo(other.Age);
    }

    public bool IsSameGrain(RunCursor other) => Operator == other.Operator && Hash == other.Hash && Entry.Key.SequenceEqual(other.Entry.Key);

    private void Enter(int block)
    {
        _block = block;
        _start = 0;
        Operator = run.OperatorOf(block);
    }

    private void Parse()
    {
        ReadOnlySpan<byte> entries = Entries(out long place);
        _next = _start;
        try
        {
            Hash = KeyHash.Compute(RunEntry.Read(entries, ref _next, run.BasePosition).Key);
        }
        catch (Exception e) when (Varint.IsOutside(e))
        {
            throw new CorruptDataException(run.Name, place + _start, $"the block matches its checksum, but an entry ends outside of it: {e.Message}");
        }
    }

    private ReadOnlySpan<byte> Entries(out long place) => _window!.EntriesOf(_block, out place);
}

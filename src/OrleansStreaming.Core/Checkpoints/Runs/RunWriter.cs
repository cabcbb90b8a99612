using System.Buffers;
using System.Buffers.Binary;

namespace OrleansStreaming.Core;

/// <summary>
/// Makes a run of checkpoints that come in order: blocks, then the grains that wait for something, the index, the filters
/// and the footer. Hands out finished pieces on the way, so that a run of any length takes little memory.
/// </summary>
/// <param name="blockBytes">A block is closed when it has this much; an entry that is larger has one of its own.</param>
/// <param name="pieceBytes">About how much is handed out at once.</param>
/// <param name="basePosition">At most the lowest position to come.</param>
internal sealed class RunWriter(int blockBytes, int pieceBytes, long basePosition) : IDisposable
{
    private readonly ArrayBufferWriter<byte> _pending = new(64);
    private readonly RunIndexBuilder _index = new();
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(pieceBytes + (2 * blockBytes));
    private byte[] _other = [];
    private int _closed;
    private int _used;
    private int _operator;
    private int _blockKeys;
    private ulong _firstHash;
    private long _blocksLength;

    public long Entries { get; private set; }

    /// <summary>Bytes of the whole run, once it is finished.</summary>
    public long Length { get; private set; }

    /// <summary>There is a piece to be taken.</summary>
    public bool HasPiece => _closed >= pieceBytes;

    /// <summary>Adds the next checkpoint.</summary>
    public void Add(int operatorId, ulong hash, ReadOnlySpan<byte> key, EntryKind kind, long position, ReadOnlySpan<byte> body)
    {
        Begin(operatorId, hash, RunEntry.MaxOverhead + key.Length + body.Length);
        _used += RunEntry.Write(_buffer.AsSpan(_used), key, kind, position - basePosition, body);
        End(operatorId, hash, key, kind);
    }

    /// <summary>Adds the next checkpoint, an entry above the same base already.</summary>
    public void Add(int operatorId, ulong hash, in RunEntryLayout entry, ReadOnlySpan<byte> encoded)
    {
        Begin(operatorId, hash, encoded.Length);
        encoded.CopyTo(_buffer.AsSpan(_used));
        _used += encoded.Length;
        End(operatorId, hash, encoded.Slice(entry.KeyAt, entry.KeyLength), entry.Kind);
    }

    /// <summary>The finished blocks; valid until the next call.</summary>
    public ReadOnlyMemory<byte> TakePiece()
    {
        int open = _used - _closed;
        if (_other.Length < Math.Max(open, pieceBytes))
        {
            Return(_other);
            _other = ArrayPool<byte>.Shared.Rent(Math.Max(_buffer.Length, open));
        }

        _buffer.AsSpan(_closed, open).CopyTo(_other);
        ReadOnlyMemory<byte> piece = _buffer.AsMemory(0, _closed);
        (_buffer, _other) = (_other, _buffer);
        _closed = 0;
        _used = open;
        return piece;
    }

    /// <summary>The rest of the run.</summary>
    public ReadOnlyMemory<byte> Finish()
    {
        if (_used > _closed)
        {
            CloseBlock();
        }

        int tail = _pending.WrittenCount + _index.IndexLength + _index.FilterLength, start = _used;
        Reserve(tail + RunFooter.Size);
        Span<byte> to = _buffer.AsSpan(start);
        _pending.WrittenSpan.CopyTo(to);
        _index.CopyTo(to[_pending.WrittenCount..]);
        var footer = new RunFooter(
            _blocksLength, _pending.WrittenCount, _index.IndexLength, _index.FilterLength, _index.Blocks, Entries, basePosition, Crc32C.Compute(to[..tail]));
        footer.Write(to[tail..]);
        Length = footer.RunLength;
        return _buffer.AsMemory(0, start + tail + RunFooter.Size);
    }

    /// <summary>The finished run, to look things up in.</summary>
    public CheckpointRun ToRun(string name) => _index.ToRun(name, Length, Entries, basePosition);

    /// <summary>Gives the memory back, that of pieces too.</summary>
    public void Dispose()
    {
        Return(_buffer);
        Return(_other);
        _buffer = _other = [];
        _index.Dispose();
    }

    private static void Return(byte[] buffer)
    {
        if (buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Makes room for an entry, in a block that has its operator.</summary>
    private void Begin(int operatorId, ulong hash, int size)
    {
        int open = _used - _closed;
        if (open > 0 && (_operator != operatorId || open + size > blockBytes + (blockBytes / 2)))
        {
            CloseBlock();
        }

        if (_used == _closed)
        {
            Reserve(sizeof(uint) + 10);
            _used += sizeof(uint);
            Varint.Write(_buffer, ref _used, (uint)operatorId);
            _operator = operatorId;
            _firstHash = hash;
        }

        Reserve(size);
    }

    private void End(int operatorId, ulong hash, ReadOnlySpan<byte> key, EntryKind kind)
    {
        _index.AddKey(hash);
        _blockKeys++;
        Entries++;
        if ((kind & EntryKind.Pending) != 0)
        {
            Span<byte> to = _pending.GetSpan(20 + key.Length);
            int at = 0;
            Varint.Write(to, ref at, (uint)operatorId);
            Varint.WriteBytes(to, ref at, key);
            _pending.Advance(at);
        }

        if (_used - _closed >= blockBytes)
        {
            CloseBlock();
        }
    }

    private void CloseBlock()
    {
        Span<byte> block = _buffer.AsSpan(_closed, _used - _closed);
        BinaryPrimitives.WriteUInt32LittleEndian(block, Crc32C.Compute(block[sizeof(uint)..]));
        _index.CloseBlock(_operator, _firstHash, block.Length, _blockKeys);
        _blocksLength += block.Length;
        _closed = _used;
        _blockKeys = 0;
    }

    private void Reserve(int size)
    {
        if (_buffer.Length - _used < size)
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(checked(_used + size), (int)Math.Min(_buffer.Length * 2L, Array.MaxLength)));
            _buffer.AsSpan(0, _used).CopyTo(larger);
            Return(_buffer);
            _buffer = larger;
        }
    }
}

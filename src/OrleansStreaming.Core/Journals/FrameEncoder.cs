using System.Buffers.Binary;

namespace OrleansStreaming.Core;

/// <summary>
/// Frames blocks for one append after the other, and uses the same lists and headers again. What it returns is valid until
/// <see cref="Reset"/>. See <see cref="FrameCodec"/> for the layout.
/// </summary>
internal sealed class FrameEncoder
{
    private readonly List<List<ReadOnlyMemory<byte>>> _pieces = [];
    private byte[] _headers = new byte[1024];
    private int _used;
    private int _frames;

    /// <summary>What has been returned is no longer needed.</summary>
    public void Reset() => _used = _frames = 0;

    /// <summary>Frames closed blocks. The pieces refer to the blocks' buffers, which must stay until the frame is written.</summary>
    public FrameToWrite Encode(long lsn, int sealVersion, IReadOnlyList<LogBlock> blocks)
    {
        if (_frames == _pieces.Count)
        {
            _pieces.Add([]);
        }

        List<ReadOnlyMemory<byte>> pieces = _pieces[_frames++];
        pieces.Clear();
        Memory<byte> header = Take(FrameHeader.Size + 4);
        BinaryPrimitives.WriteInt32LittleEndian(header.Span[FrameHeader.Size..], blocks.Count);
        pieces.Add(header);
        int length = 4;
        uint sum = Crc32C.Append(uint.MaxValue, header.Span[FrameHeader.Size..]);
        for (int i = 0; i < blocks.Count; i++)
        {
            LogBlock block = blocks[i];
            Memory<byte> blockHeader = Header(block);
            pieces.Add(blockHeader);
            pieces.Add(block.Buffer.AsMemory(0, block.Length));
            length += blockHeader.Length + block.Length;
            sum = Crc32C.Append(Crc32C.Append(sum, blockHeader.Span), block.Rows);
        }

        new FrameHeader(length, sealVersion, lsn, ~sum).Write(header.Span);
        return new FrameToWrite(lsn, pieces, FrameHeader.Size + length);
    }

    private Memory<byte> Header(LogBlock block)
    {
        int size = FrameCodec.BlockHeaderSize;
        foreach (ref readonly LogBlock.Slot slot in block.Slots)
        {
            size += VectorCodec.MaxSize(slot.Vector);
        }

        Memory<byte> memory = Take(size);
        Span<byte> bytes = memory.Span;
        BinaryPrimitives.WriteInt32LittleEndian(bytes, block.Partition);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[4..], block.First.Value);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[12..], block.BaseTime);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[20..], block.Count);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[24..], block.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[28..], checked((ushort)block.Slots.Length));
        int at = FrameCodec.BlockHeaderSize;
        foreach (ref readonly LogBlock.Slot slot in block.Slots)
        {
            // A void row keeps the dependency that made it void: whoever reads the frame later must find it void too.
            CausalityVector? vector = slot.Void ? CausalityVector.Of([slot.Lost]) : slot.Vector;
            VectorCodec.Write(bytes, ref at, vector);
        }

        return memory[..at];
    }

    private Memory<byte> Take(int size)
    {
        if (_used + size > _headers.Length)
        {
            // Headers given out before keep the old array.
            _headers = new byte[Math.Max(size, _headers.Length * 2)];
            _used = 0;
        }

        Memory<byte> taken = _headers.AsMemory(_used, size);
        _used += size;
        return taken;
    }
}

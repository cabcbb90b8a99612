using System.Buffers;
using System.Buffers.Binary;
using OrleansStreaming.Core;

namespace OrleansStreaming.Storage.Files;

/// <summary>Writes a run piece by piece: the sums of its blocks gather on the way, the header comes last.</summary>
internal sealed class RunFileWriter(AsideFile file, string name) : IDisposable
{
    private readonly ArrayBufferWriter<byte> _sums = new();
    private readonly int _headerSize = new NamedFileHeader(NamedFileKind.Run, name, 0, 0, 0).Size;
    private long _length;
    private uint _sum = uint.MaxValue;
    private int _inBlock;

    public void Write(ReadOnlyMemory<byte> piece)
    {
        file.Write([piece], _headerSize + _length);
        _length += piece.Length;
        for (ReadOnlySpan<byte> rest = piece.Span; rest.Length > 0;)
        {
            int taken = Math.Min(rest.Length, RunStore.BlockBytes - _inBlock);
            _sum = Crc32C.Append(_sum, rest[..taken]);
            _inBlock += taken;
            rest = rest[taken..];
            if (_inBlock == RunStore.BlockBytes)
            {
                EndBlock();
            }
        }
    }

    /// <summary>Makes the run visible, and durable.</summary>
    public void Publish()
    {
        if (_inBlock > 0)
        {
            EndBlock();
        }

        file.Write([_sums.WrittenMemory], _headerSize + _length);
        file.Write([new NamedFileHeader(NamedFileKind.Run, name, 0, _length, 0).Format()], 0);
        file.Publish();
    }

    public void Dispose() => file.Dispose();

    private void EndBlock()
    {
        BinaryPrimitives.WriteUInt32LittleEndian(_sums.GetSpan(sizeof(uint)), ~_sum);
        _sums.Advance(sizeof(uint));
        _sum = uint.MaxValue;
        _inBlock = 0;
    }
}

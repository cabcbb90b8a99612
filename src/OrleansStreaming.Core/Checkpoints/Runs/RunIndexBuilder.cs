using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace OrleansStreaming.Core;

/// <summary>Gathers the index and the filters of a run while its blocks are written.</summary>
internal sealed class RunIndexBuilder : IDisposable
{
    private readonly PooledWriter _index = new();
    private readonly PooledWriter _filter = new();
    private readonly List<ulong> _keys = [];
    private readonly List<RunBlock> _blocks = [];
    private long _at;

    public int Blocks => _blocks.Count;

    public int IndexLength => _index.WrittenCount;

    public int FilterLength => _filter.WrittenCount;

    /// <summary>A key of the block that is being written.</summary>
    public void AddKey(ulong hash) => _keys.Add(hash);

    public void CloseBlock(int operatorId, ulong firstHash, int length, int keys)
    {
        _blocks.Add(new RunBlock(operatorId, firstHash, _at, _filter.WrittenCount));
        _at += length;
        Span<byte> to = _index.GetSpan(40);
        int at = 0;
        Varint.Write(to, ref at, (uint)operatorId);
        BinaryPrimitives.WriteUInt64LittleEndian(to[at..], firstHash);
        at += sizeof(ulong);
        Varint.Write(to, ref at, (uint)length);
        Varint.Write(to, ref at, (uint)keys);
        _index.Advance(at);

        int size = RunFilter.Lines(keys) * RunFilter.LineBytes;
        Span<byte> lines = _filter.GetSpan(size)[..size];
        lines.Clear();
        foreach (ulong hash in CollectionsMarshal.AsSpan(_keys))
        {
            RunFilter.Add(lines, hash);
        }

        _filter.Advance(size);
        _keys.Clear();
    }

    public void CopyTo(Span<byte> to)
    {
        _index.WrittenSpan.CopyTo(to);
        _filter.WrittenSpan.CopyTo(to[_index.WrittenCount..]);
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        _index.Dispose();
        _filter.Dispose();
    }

    public CheckpointRun ToRun(string name, long length, long entries, long basePosition) =>
        new(name, length, entries, basePosition, [.. _blocks, new RunBlock(int.MaxValue, ulong.MaxValue, _at, _filter.WrittenCount)], _filter.WrittenSpan.ToArray());
}

/// <summary>Where a block of a run lies.</summary>
/// <param name="Operator">The operator of all its grains.</param>
/// <param name="FirstHash">The lowest hash of their keys.</param>
/// <param name="At">Its first byte.</param>
/// <param name="FilterAt">The first byte of its filter.</param>
internal readonly record struct RunBlock(int Operator, ulong FirstHash, long At, int FilterAt);

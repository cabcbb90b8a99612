using System.Buffers.Binary;

namespace OrleansStreaming.Core;

/// <summary>
/// Records that are kept only for a slow sink or for retention, copied out of the journals so that they pin nobody's: the
/// partition's own run of them, same offsets. Layout (docs/formats.md): one frame per block, each with one block; then the
/// index, per block: first offset i64, count i32, journal i32, LSN i64, seal version i32, base time i64, where i64, length i32; then the
/// footer: index at i64, count i32, CRC of the index u32, magic u32.
/// </summary>
internal static class ArchiveRun
{
    public const int FooterSize = 20;
    private const int EntrySize = 48;
    private const uint Magic = 0x5241534F; // "OSAR"

    /// <summary>Copies blocks; returns the run's content and where each block lies in it.</summary>
    public static (byte[] Content, List<(long At, int Length)> Places) Write(IReadOnlyList<LogBlock> blocks)
    {
        var frames = blocks.Select(b => FrameCodec.Encode(b.Lsn, b.SealVersion, [b])).ToList();
        long indexAt = frames.Sum(f => (long)f.Length);
        byte[] content = new byte[indexAt + (blocks.Count * EntrySize) + FooterSize];
        var places = new List<(long, int)>(blocks.Count);
        int at = 0;
        foreach (FrameToWrite frame in frames)
        {
            places.Add((at, frame.Length));
            foreach (ReadOnlyMemory<byte> piece in frame.Pieces)
            {
                piece.Span.CopyTo(content.AsSpan(at));
                at += piece.Length;
            }
        }

        Span<byte> index = content.AsSpan(at, blocks.Count * EntrySize);
        for (int i = 0; i < blocks.Count; i++)
        {
            Span<byte> entry = index[(i * EntrySize)..];
            LogBlock block = blocks[i];
            BinaryPrimitives.WriteInt64LittleEndian(entry, block.First.Value);
            BinaryPrimitives.WriteInt32LittleEndian(entry[8..], block.Count);
            BinaryPrimitives.WriteInt32LittleEndian(entry[12..], block.Journal);
            BinaryPrimitives.WriteInt64LittleEndian(entry[16..], block.Lsn);
            BinaryPrimitives.WriteInt32LittleEndian(entry[24..], block.SealVersion);
            BinaryPrimitives.WriteInt64LittleEndian(entry[28..], block.BaseTime);
            BinaryPrimitives.WriteInt64LittleEndian(entry[36..], places[i].Item1);
            BinaryPrimitives.WriteInt32LittleEndian(entry[44..], places[i].Item2);
        }

        Span<byte> footer = content.AsSpan(^FooterSize..);
        BinaryPrimitives.WriteInt64LittleEndian(footer, indexAt);
        BinaryPrimitives.WriteInt32LittleEndian(footer[8..], blocks.Count);
        BinaryPrimitives.WriteUInt32LittleEndian(footer[12..], Crc32C.Compute(index));
        BinaryPrimitives.WriteUInt32LittleEndian(footer[16..], Magic);
        return (content, places);
    }

    /// <summary>The blocks of a run, their rows still in it.</summary>
    public static async ValueTask<List<LogBlock>> OpenAsync(IStorage storage, string run, int partition, CancellationToken cancellationToken)
    {
        ReadOnlyMemory<byte> footer = await storage.ReadRunAsync(run, -FooterSize, FooterSize, cancellationToken).ConfigureAwait(false);
        if (footer.Length != FooterSize || BinaryPrimitives.ReadUInt32LittleEndian(footer.Span[16..]) != Magic)
        {
            throw new CorruptDataException(run, 0, $"expected the footer of an archive in the last {FooterSize} bytes");
        }

        long at = BinaryPrimitives.ReadInt64LittleEndian(footer.Span);
        int count = BinaryPrimitives.ReadInt32LittleEndian(footer.Span[8..]);
        if (at < 0 || count is < 0 or > int.MaxValue / EntrySize)
        {
            throw new CorruptDataException(run, at, $"expected the place of an index, found {count} entries at {at}");
        }

        ReadOnlyMemory<byte> index = await storage.ReadRunAsync(run, at, count * EntrySize, cancellationToken).ConfigureAwait(false);
        if (index.Length != count * EntrySize || Crc32C.Compute(index.Span) != BinaryPrimitives.ReadUInt32LittleEndian(footer.Span[12..]))
        {
            throw new CorruptDataException(run, at, "the index of the archive is too short or does not match its checksum");
        }

        var blocks = new List<LogBlock>(count);
        for (int i = 0; i < count; i++)
        {
            blocks.Add(Block(run, partition, index.Span[(i * EntrySize)..]));
        }

        return blocks;
    }

    private static LogBlock Block(string run, int partition, ReadOnlySpan<byte> entry) => LogBlock.Absent(
        partition,
        BinaryPrimitives.ReadInt32LittleEndian(entry[12..]),
        BinaryPrimitives.ReadInt64LittleEndian(entry[16..]),
        new Offset(BinaryPrimitives.ReadInt64LittleEndian(entry)),
        BinaryPrimitives.ReadInt64LittleEndian(entry[28..]),
        BinaryPrimitives.ReadInt32LittleEndian(entry[24..]),
        BinaryPrimitives.ReadInt32LittleEndian(entry[8..]),
        new ArchivePlace(run, BinaryPrimitives.ReadInt64LittleEndian(entry[36..]), BinaryPrimitives.ReadInt32LittleEndian(entry[44..])));
}

/// <summary>Where a block lies in an archive.</summary>
internal sealed record ArchivePlace(string Run, long At, int Length);

/// <summary>An archive that the manifest names.</summary>
internal sealed record ArchiveInfo(string Name, long Last, long Bytes);

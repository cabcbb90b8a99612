using System.Buffers.Binary;

namespace OrleansStreaming.Core;

/// <summary>
/// Turns the blocks of a frame into bytes and back; the one place that knows the layout of a frame's body
/// (docs/formats.md): block count u32, then per block: partition i32, first offset i64, base time i64, row count i32,
/// length of rows i32, slot count u16, the slots' vectors, the rows.
/// </summary>
internal static class FrameCodec
{
    public const int BlockHeaderSize = 30;

    /// <summary>Frames closed blocks. The pieces refer to the blocks' buffers, which must stay until the frame is written.</summary>
    public static FrameToWrite Encode(long lsn, int sealVersion, IReadOnlyList<LogBlock> blocks) => new FrameEncoder().Encode(lsn, sealVersion, blocks);

    /// <summary>Reads the blocks of a frame that are wanted.</summary>
    /// <exception cref="CorruptDataException">The frame does not match its checksum, or is not a frame.</exception>
    public static List<LogBlock> Decode(int journal, StoredFrame frame, Func<int, Offset, bool> wanted) =>
        Find(journal, frame, wanted).ConvertAll(static found => found.Load());

    /// <summary>The same without taking the rows: from any thread, as the buffers of rows are those of a silo's loop.</summary>
    /// <exception cref="CorruptDataException">The frame does not match its checksum, or is not a frame.</exception>
    public static List<FoundBlock> Find(int journal, StoredFrame frame, Func<int, Offset, bool> wanted)
    {
        ReadOnlyMemory<byte> bytes = frame.Bytes;
        if (!FrameHeader.TryRead(bytes.Span, out FrameHeader header, out string? error) || !header.Matches(bytes.Span[FrameHeader.Size..]))
        {
            throw new CorruptDataException($"journal {journal}", 0, error ?? $"frame {frame.Lsn} does not match its checksum");
        }

        try
        {
            return FindInBody(journal, header, bytes[FrameHeader.Size..], wanted);
        }
        catch (Exception e) when (Varint.IsOutside(e))
        {
            throw new CorruptDataException($"journal {journal}", 0, $"frame {frame.Lsn} matches its checksum, but its blocks do not fill it exactly: {e.Message}");
        }
    }

    private static List<FoundBlock> FindInBody(int journal, in FrameHeader header, ReadOnlyMemory<byte> bytes, Func<int, Offset, bool> wanted)
    {
        ReadOnlySpan<byte> body = bytes.Span;
        var blocks = new List<FoundBlock>();
        int count = BinaryPrimitives.ReadInt32LittleEndian(body), at = 4;
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> fixedPart = body.Slice(at, BlockHeaderSize);
            at += BlockHeaderSize;
            int partition = BinaryPrimitives.ReadInt32LittleEndian(fixedPart);
            var first = new Offset(BinaryPrimitives.ReadInt64LittleEndian(fixedPart[4..]));
            long baseTime = BinaryPrimitives.ReadInt64LittleEndian(fixedPart[12..]);
            int rows = BinaryPrimitives.ReadInt32LittleEndian(fixedPart[20..]);
            int rowsLength = BinaryPrimitives.ReadInt32LittleEndian(fixedPart[24..]);
            int slots = BinaryPrimitives.ReadUInt16LittleEndian(fixedPart[28..]);
            bool isWanted = wanted(partition, first);
            CausalityVector?[] vectors = isWanted && slots > 0 ? new CausalityVector?[slots] : [];
            for (int v = 0; v < slots; v++)
            {
                if (isWanted)
                {
                    vectors[v] = VectorCodec.Read(body, ref at);
                }
                else
                {
                    VectorCodec.Skip(body, ref at);
                }
            }

            ArgumentOutOfRangeException.ThrowIfNegative(rows);
            ReadOnlyMemory<byte> rowBytes = bytes.Slice(at, rowsLength);
            if (isWanted)
            {
                blocks.Add(new FoundBlock(LogBlock.WithoutRows(partition, journal, header.Lsn, first, baseTime, header.SealVersion, rows, vectors), rowBytes));
            }

            at += rowsLength;
        }

        ArgumentOutOfRangeException.ThrowIfNotEqual(at, body.Length);
        return blocks;
    }
}

/// <summary>A block that was found in a frame.</summary>
/// <param name="Block">Without its rows.</param>
/// <param name="Rows">Where they are.</param>
internal readonly record struct FoundBlock(LogBlock Block, ReadOnlyMemory<byte> Rows)
{
    /// <summary>Has the block take its rows.</summary>
    public LogBlock Load()
    {
        Block.Restore(Rows.Span);
        return Block;
    }
}

/// <summary>A vector as bytes: the number of entries, then journal and LSN of each, all LEB128.</summary>
internal static class VectorCodec
{
    /// <summary>At least one entry's room even when empty: a void slot writes the dependency it lost.</summary>
    public static int MaxSize(CausalityVector? vector) => 5 + (15 * Math.Max(1, vector?.Entries.Length ?? 0));

    public static void Write(Span<byte> to, ref int at, CausalityVector? vector)
    {
        ReadOnlySpan<Dependency> entries = vector is null ? default : vector.Entries;
        Varint.Write(to, ref at, (uint)entries.Length);
        foreach (ref readonly Dependency entry in entries)
        {
            Varint.Write(to, ref at, (uint)entry.Journal);
            Varint.Write(to, ref at, (ulong)entry.Lsn);
        }
    }

    public static CausalityVector? Read(ReadOnlySpan<byte> from, ref int at)
    {
        int count = (int)Varint.Read(from, ref at);
        if (count == 0)
        {
            return null;
        }

        // An entry has at least two bytes: no more memory than the bytes can fill.
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)(from.Length - at) / 2);
        var entries = new Dependency[count];
        for (int i = 0; i < count; i++)
        {
            int journal = (int)Varint.Read(from, ref at);
            entries[i] = new Dependency(journal, (long)Varint.Read(from, ref at));
        }

        return CausalityVector.Of(entries);
    }

    public static void Skip(ReadOnlySpan<byte> from, ref int at)
    {
        for (ulong left = 2 * Varint.Read(from, ref at); left > 0; left--)
        {
            _ = Varint.Read(from, ref at);
        }
    }
}

using System.Buffers.Binary;

namespace OrleansStreaming.Core;

/// <summary>
/// A run of checkpoints and the one place that reads its layout (docs/formats.md): entries by operator, hash and key, in
/// blocks. In memory are only where blocks begin and a filter of each: what a lookup costs does not depend on how many
/// grains there are, and a partition is opened without reading any entry.
/// </summary>
/// <param name="name">Its name in storage.</param>
/// <param name="length">Its bytes.</param>
/// <param name="entries">How many checkpoints it has.</param>
/// <param name="basePosition">Positions are stored as what they are above it.</param>
/// <param name="blocks">Its blocks in their order, then one for where they end.</param>
/// <param name="filters">The filters of all blocks.</param>
internal sealed class CheckpointRun(string name, long length, long entries, long basePosition, RunBlock[] blocks, byte[] filters)
{
    public string Name { get; } = name;

    public long Length { get; } = length;

    public long Entries { get; } = entries;

    public long BasePosition { get; } = basePosition;

    public int Blocks => blocks.Length - 1;

    /// <summary>What it takes of memory.</summary>
    public long ResidentBytes => filters.Length + (blocks.Length * 32L);

    /// <summary>Reads what is needed to look things up, and lists the grains that wait for something.</summary>
    public static async ValueTask<(CheckpointRun Run, List<(int Operator, byte[] Key)> Pending)> OpenAsync(IStorage storage, RunInfo info, CancellationToken cancellationToken)
    {
        ReadOnlyMemory<byte> end = await storage.ReadRunAsync(info.Name, -RunFooter.Size, RunFooter.Size, cancellationToken).ConfigureAwait(false);
        RunFooter footer = RunFooter.Read(info.Name, end.Span, info.Bytes);
        ReadOnlyMemory<byte> tail = await storage.ReadRunAsync(info.Name, footer.BlocksLength, (int)footer.TailLength, cancellationToken).ConfigureAwait(false);
        return Parse(info.Name, footer, tail.Span);
    }

    /// <summary>The last block that may have a key of this hash, by its beginning; -1 when there is none.</summary>
    public int FindBlock(int operatorId, ulong hash)
    {
        int low = 0, high = Blocks - 1;
        while (low <= high)
        {
            int middle = (low + high) >>> 1;
            ref readonly RunBlock block = ref blocks[middle];
            if (block.Operator < operatorId || (block.Operator == operatorId && block.FirstHash <= hash))
            {
                low = middle + 1;
            }
            else
            {
                high = middle - 1;
            }
        }

        return high >= 0 && blocks[high].Operator == operatorId ? high : -1;
    }

    /// <summary>The block before one, when it may have keys of this hash, too: hashes of long keys can be equal.</summary>
    public int FindBlockBefore(int block, ulong hash) =>
        block > 0 && blocks[block].FirstHash == hash && blocks[block - 1].Operator == blocks[block].Operator ? block - 1 : -1;

    /// <summary>Whether a block may have a key of this hash.</summary>
    public bool BlockMayContain(int block, ulong hash) =>
        RunFilter.MayContain(filters.AsSpan(blocks[block].FilterAt, blocks[block + 1].FilterAt - blocks[block].FilterAt), hash)
        && !(Mutations.DenyInFilter && (hash & 7) == 0);

    /// <summary>Whether a grain may have a checkpoint here.</summary>
    public bool MayContain(int operatorId, ulong hash)
    {
        for (int block = FindBlock(operatorId, hash); block >= 0; block = FindBlockBefore(block, hash))
        {
            if (BlockMayContain(block, hash))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The blocks that are read together with one: those that begin in the same stretch of the run.</summary>
    public (int First, int End) WindowOf(int block, int windowBytes)
    {
        long window = blocks[block].At / windowBytes;
        return (FirstFrom(window * windowBytes), FirstFrom((window + 1) * windowBytes));
    }

    /// <summary>Reads some blocks and checks them.</summary>
    public async ValueTask<RunWindow> ReadAsync(IStorage storage, int first, int end, CancellationToken cancellationToken)
    {
        ReadOnlyMemory<byte> bytes = await storage.ReadRunAsync(Name, blocks[first].At, BytesOf(first, end), cancellationToken).ConfigureAwait(false);
        return Check(first, end, bytes);
    }

    /// <summary>As the other, into memory of the caller, which has room for <see cref="BytesOf"/>.</summary>
    public async ValueTask<RunWindow> ReadAsync(IStorage storage, int first, int end, Memory<byte> to, CancellationToken cancellationToken)
    {
        to = to[..BytesOf(first, end)];
        int read = await storage.ReadRunAsync(Name, blocks[first].At, to, cancellationToken).ConfigureAwait(false);
        return Check(first, end, to[..read]);
    }

    /// <summary>The bytes of some blocks.</summary>
    public int BytesOf(int first, int end) => checked((int)(blocks[end].At - blocks[first].At));

    private RunWindow Check(int first, int end, ReadOnlyMemory<byte> bytes)
    {
        long from = blocks[first].At;
        if (bytes.Length != blocks[end].At - from)
        {
            throw new CorruptDataException(Name, from, $"expected blocks of {blocks[end].At - from} bytes, found {bytes.Length}");
        }

        for (int i = first; i < end; i++)
        {
            CheckBlock(i, bytes.Span.Slice((int)(blocks[i].At - from), LengthOf(i)));
        }

        return new RunWindow(this, first, end, bytes);
    }

    public long PlaceOf(int block) => blocks[block].At;

    public int LengthOf(int block) => (int)(blocks[block + 1].At - blocks[block].At);

    public int OperatorOf(int block) => blocks[block].Operator;

    private int FirstFrom(long place)
    {
        int low = 0, high = Blocks;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (blocks[middle].At < place)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    private void CheckBlock(int block, ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length <= sizeof(uint) || BinaryPrimitives.ReadUInt32LittleEndian(bytes) != Crc32C.Compute(bytes[sizeof(uint)..]))
        {
            throw new CorruptDataException(Name, blocks[block].At, $"expected a block of {bytes.Length} bytes that matches its checksum");
        }
    }

    private static (CheckpointRun, List<(int, byte[])>) Parse(string name, in RunFooter footer, ReadOnlySpan<byte> tail)
    {
        if (tail.Length != footer.TailLength || Crc32C.Compute(tail) != footer.TailSum)
        {
            throw new CorruptDataException(name, footer.BlocksLength, $"expected an index of {footer.TailLength} bytes that matches its checksum");
        }

        int at = 0;
        try
        {
            var pending = new List<(int, byte[])>();
            ReadOnlySpan<byte> part = tail[..footer.PendingLength];
            while (at < part.Length)
            {
                int operatorId = (int)Varint.Read(part, ref at);
                pending.Add((operatorId, Varint.ReadBytes(part, ref at).ToArray()));
            }

            RunBlock[] blocks = ReadIndex(tail.Slice(footer.PendingLength, footer.IndexLength), footer);
            return (new CheckpointRun(name, footer.RunLength, footer.Entries, footer.BasePosition, blocks, tail[^footer.FilterLength..].ToArray()), pending);
        }
        catch (Exception e) when (Varint.IsOutside(e))
        {
            throw new CorruptDataException(name, footer.BlocksLength + at, $"the index matches its checksum, but ends outside of itself: {e.Message}");
        }
    }

    private static RunBlock[] ReadIndex(ReadOnlySpan<byte> index, in RunFooter footer)
    {
        var blocks = new RunBlock[footer.Blocks + 1];
        long place = 0, filter = 0, entries = 0;
        int at = 0;
        for (int i = 0; i < footer.Blocks; i++)
        {
            int operatorId = (int)Varint.Read(index, ref at);
            ulong hash = BinaryPrimitives.ReadUInt64LittleEndian(index.Slice(at, sizeof(ulong)));
            at += sizeof(ulong);
            blocks[i] = new RunBlock(operatorId, hash, place, checked((int)filter));
            place += checked((int)Varint.Read(index, ref at));
            int keys = checked((int)Varint.Read(index, ref at));
            entries += keys;
            filter += (long)RunFilter.Lines(keys) * RunFilter.LineBytes;
            ArgumentOutOfRangeException.ThrowIfNegative(keys);
        }

        blocks[^1] = new RunBlock(int.MaxValue, ulong.MaxValue, place, checked((int)filter));
        return at == index.Length && place == footer.BlocksLength && filter == footer.FilterLength && entries == footer.Entries
            ? blocks
            : throw new ArgumentException($"{footer.Blocks} blocks of {place} bytes with {entries} entries and {filter} bytes of filters do not fit the footer");
    }
}

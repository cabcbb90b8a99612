namespace OrleansStreaming.Core;

/// <summary>
/// The write-ahead log of one silo incarnation, seen from the silo's loop: one frame gathers records while the frames
/// before it are being made durable (group commit). An LSN is the number of a frame: all records of a frame share a fate,
/// so a dependency on one of them is a dependency on the frame.
/// </summary>
internal sealed class Journal(int id, string name, JournalTable journals, SiloOptions options)
{
    /// <summary>A block writes the number of its slots in 16 bits.</summary>
    private const int MaxSlots = 60_000;

    /// <summary>How exactly events from outside are timed, microseconds.</summary>
    private const long TimePrecision = 1000;
    private readonly Queue<(long Lsn, List<LogBlock> Blocks)> _closed = new();
    private readonly Stack<List<LogBlock>> _spareLists = new();
    private readonly FrameEncoder _encoder = new();
    private readonly Flush _flush = new([], []); // One is under way at a time.
    private List<LogBlock> _gathering = [];
    private long _gatheringBytes;
    private bool _atomic;

    public int Id { get; } = id;

    /// <summary>Blocks that have been trimmed, for new ones.</summary>
    public SpareBlocks SpareBlocks { get; } = new();

    public string Name { get; } = name;

    /// <summary>The LSN that records appended now get.</summary>
    public long NextLsn { get; private set; } = 1;

    /// <summary>The last LSN that storage has confirmed.</summary>
    public long Durable => journals.Durable(Id);

    /// <summary>Bytes appended and not yet durable.</summary>
    public long UnflushedBytes { get; private set; }

    /// <summary>Records appended and not yet durable; what a crash now would lose.</summary>
    public long UnflushedRecords { get; private set; }

    public bool Flushing { get; private set; }

    public bool HasUnflushed => _gathering.Count > 0 || _closed.Count > 0 || Flushing;

    public long FlushedBytes { get; private set; }

    /// <summary>Appends a row to the partition's open block, opening one where needed; returns the block.</summary>
    public LogBlock Append(PartitionLog log, ref Row row, CausalityVector? vector)
    {
        LogBlock? block = log.Open;
        if (block is null || !block.HasRoomFor(row.MaxSize))
        {
            block = Open(log, row.Time);
        }

        int before = block.Length;
        block.Append(ref row, vector);
        Added(log, block, 1, block.Length - before);
        return block;
    }

    /// <summary>
    /// Appends rows that are already as they lie in a block, without times: theirs is that of the block, hence a new block for
    /// each millisecond. Returns the block.
    /// </summary>
    public LogBlock Append(PartitionLog log, ReadOnlySpan<byte> rows, int count, long time, byte[] producer, RecordName last)
    {
        LogBlock? block = log.Open;
        if (block is null || !block.HasRoomFor(rows.Length) || !block.HasOneTime || time - block.BaseTime is < 0 or >= TimePrecision)
        {
            block = Open(log, time);
        }

        block.Append(rows, count, producer, last);
        Added(log, block, count, rows.Length);
        return block;
    }

    private LogBlock Open(PartitionLog log, long time)
    {
        if (log.Open is { } full)
        {
            full.Closed = true; // The frame goes on.
        }

        if (SpareBlocks.TryPop(out LogBlock? block))
        {
            block.Renew(log.Partition, Id, NextLsn, log.NextOffset, time);
        }
        else
        {
            block = new LogBlock(log.Partition, Id, NextLsn, log.NextOffset, time);
        }

        block.ExpectedBytes = log.LastBytes;
        _gathering.Add(block);
        log.Add(block);
        return block;
    }

    private void Added(PartitionLog log, LogBlock block, int rows, int bytes)
    {
        log.NextOffset = new Offset(log.NextOffset.Value + rows);
        log.NoteSlots(block);
        _gatheringBytes += bytes;
        UnflushedBytes += bytes;
        UnflushedRecords += rows;
        if (!_atomic && (_gatheringBytes >= options.MaxFrameBytes || block.Slots.Length >= MaxSlots))
        {
            CloseFrame();
        }
    }

    /// <summary>What is appended until <see cref="EndAtomic"/> goes into one frame: it is durable together or lost together.</summary>
    public void BeginAtomic(int bytes)
    {
        if (_gatheringBytes + bytes > options.MaxFrameBytes)
        {
            CloseFrame();
        }

        _atomic = true;
    }

    /// <summary>Returns the LSN of what was appended.</summary>
    public long EndAtomic()
    {
        _atomic = false;
        return NextLsn;
    }

    /// <summary>The highest LSN that a record has got.</summary>
    public long LastLsn => _gathering.Count > 0 ? NextLsn : NextLsn - 1;

    /// <summary>Takes all that is gathered for one append, or null when there is nothing or one is under way.</summary>
    public Flush? BeginFlush(int sealVersion)
    {
        if (Flushing)
        {
            return null;
        }

        CloseFrame();
        if (_closed.Count == 0)
        {
            return null;
        }

        int bytes = 0;
        while (_closed.Count > 0 && bytes < options.MaxFlushBytes)
        {
            (long lsn, List<LogBlock> blocks) = _closed.Dequeue();
            FrameToWrite frame = _encoder.Encode(lsn, sealVersion, blocks);
            bytes += frame.Length;
            _flush.Frames.Add(frame);
            _flush.Blocks.AddRange(blocks);
            blocks.Clear();
            _spareLists.Push(blocks);
        }

        foreach (LogBlock block in _flush.Blocks)
        {
            block.Pins++;
        }

        Flushing = true;
        return _flush;
    }

    /// <summary>Storage has confirmed a flush.</summary>
    public void EndFlush(Flush flush)
    {
        Flushing = false;
        foreach (FrameToWrite frame in flush.Frames)
        {
            FlushedBytes += frame.Length;
        }

        foreach (LogBlock block in flush.Blocks)
        {
            block.Pins--;
            UnflushedBytes -= block.Length;
            UnflushedRecords -= block.Count;
        }

        journals.Advance(Id, flush.Frames[^1].Lsn);
        flush.Frames.Clear();
        flush.Blocks.Clear();
        _encoder.Reset();
    }

    private void CloseFrame()
    {
        if (_gathering.Count == 0)
        {
            return;
        }

        foreach (LogBlock block in _gathering)
        {
            block.Closed = true;
        }

        _closed.Enqueue((NextLsn++, _gathering));
        _gathering = _spareLists.TryPop(out List<LogBlock>? spare) ? spare : [];
        _gatheringBytes = 0;
    }

    /// <summary>What one append writes; valid until it is confirmed.</summary>
    internal sealed record Flush(List<FrameToWrite> Frames, List<LogBlock> Blocks);
}

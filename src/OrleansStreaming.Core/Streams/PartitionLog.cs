namespace OrleansStreaming.Core;

/// <summary>
/// The records of one partition in their order, as blocks across all journals that its owners wrote to. Rows may have left
/// memory; the blocks, some hundred bytes each, stay until they are trimmed.
/// </summary>
internal sealed class PartitionLog(int partition, int epoch)
{
    private readonly List<LogBlock> _blocks = [];
    private readonly List<LogBlock> _withSlots = [];
    private int _head;
    private long _trimTo = Offset.None.Value;
    private long _trimmedTo = Offset.None.Value;
    private long _firstSequence;
    private long _awayBytes;
    private long _firstHeld;

    public int Partition { get; } = partition;

    /// <summary>The offset of the next record of this owner.</summary>
    public Offset NextOffset { get; set; } = new(epoch, 0);

    /// <summary>Sequence number of the first block kept. Blocks are numbered without gaps, so that a cursor survives trimming.</summary>
    public long FirstSequence => _firstSequence;

    /// <summary>The sequence number that the next block will get.</summary>
    public long EndSequence => _firstSequence + _blocks.Count - _head;

    /// <summary>The block that takes rows, or null.</summary>
    public LogBlock? Open => _blocks.Count > _head && !_blocks[^1].Closed ? _blocks[^1] : null;

    /// <summary>The last offset in the log, or none.</summary>
    public long LastOffset => _blocks.Count > _head ? _blocks[^1].LastOffset : Offset.None.Value;

    /// <summary>The size of the last block.</summary>
    public int LastBytes => _blocks.Count > _head ? _blocks[^1].Length : 0;

    public LogBlock this[long sequence] => _blocks[_head + (int)(sequence - _firstSequence)];

    public void Add(LogBlock block)
    {
        if (_blocks.Count > _head)
        {
            block.StartBytes = _blocks[^1].StartBytes + _blocks[^1].Length;
        }

        _blocks.Add(block);
        _awayBytes += block.Buffer is null ? block.Length : 0;
        NoteSlots(block);
    }

    /// <summary>Bytes of rows in memory.</summary>
    public long HeldBytes => BytesFrom(_firstSequence) - _awayBytes;

    /// <summary>No block before it is in memory.</summary>
    public long FirstHeld => Math.Max(_firstHeld, _firstSequence);

    /// <summary>Lets the rows of a block leave memory, unless somebody needs them there.</summary>
    public void Evict(long sequence)
    {
        LogBlock block = this[sequence];
        if (block is { Buffer: not null, Pins: 0 })
        {
            block.Evict();
            _awayBytes += BytesOf(sequence);
        }

        if (block.Buffer is null && sequence == FirstHeld)
        {
            _firstHeld = sequence + 1;
        }
    }

    /// <summary>Brings the rows of a block back.</summary>
    /// <param name="sequence">The block.</param>
    /// <param name="restore">Gives it its rows; may throw.</param>
    public void Restore(long sequence, Action<LogBlock> restore)
    {
        long bytes = BytesOf(sequence); // Rows from an archive are shorter than their place there.
        restore(this[sequence]);
        this[sequence].WasBroughtBack = true;
        _awayBytes -= bytes;
        _firstHeld = Math.Min(_firstHeld, sequence);
    }

    private long BytesOf(long sequence) =>
        sequence == EndSequence - 1 ? this[sequence].Length : this[sequence + 1].StartBytes - this[sequence].StartBytes;

    /// <summary>Blocks with rows that depend on something that was not known to be durable when last looked at, or are void: all that a seal needs to look at.</summary>
    public IReadOnlyList<LogBlock> WithSlots => _withSlots;

    /// <summary>A block may have got its first slot.</summary>
    public void NoteSlots(LogBlock block)
    {
        if (block.HasSlots && !block.IsListed)
        {
            block.IsListed = true;
            _withSlots.Add(block);
        }
    }

    /// <summary>Forgets slots that have settled, and the blocks that have none left or are gone.</summary>
    public void SettleSlots(JournalTable journals, SiloProbe? probe)
    {
        int kept = 0;
        for (int i = 0; i < _withSlots.Count; i++)
        {
            LogBlock block = _withSlots[i];
            block.Refresh(journals);
            probe?.Refreshed(block);
            if (block.HasSlots && block.LastOffset > _trimmedTo)
            {
                _withSlots[kept++] = block;
            }
            else
            {
                block.IsListed = false;
            }
        }

        _withSlots.RemoveRange(kept, _withSlots.Count - kept);
    }

    /// <summary>Bytes from a block to the end.</summary>
    public long BytesFrom(long sequence) =>
        sequence >= EndSequence || FirstSequence == EndSequence ? 0 : _blocks[^1].StartBytes + _blocks[^1].Length - this[Math.Max(sequence, _firstSequence)].StartBytes;

    /// <summary>The first block that holds an offset above the given one; <see cref="EndSequence"/> when there is none.</summary>
    public long FindAfter(long offset)
    {
        int low = _head, high = _blocks.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_blocks[middle].LastOffset > offset)
            {
                high = middle;
            }
            else
            {
                low = middle + 1;
            }
        }

        return _firstSequence + low - _head;
    }

    /// <summary>Blocks that end at or below an offset are not needed any more: <see cref="Trim"/> forgets them.</summary>
    public void TrimTo(long offset) => _trimTo = Math.Max(_trimTo, offset);

    /// <summary>Forgets leading blocks that are not needed any more, some at a time: small frames make tens of thousands between two checkpoints.</summary>
    /// <param name="most">How many.</param>
    /// <param name="spare">Takes the blocks.</param>
    public void Trim(int most, SpareBlocks spare)
    {
        for (; most > 0 && _head < _blocks.Count && _blocks[_head].LastOffset <= _trimTo && _blocks[_head].Closed && _blocks[_head].Pins == 0; most--)
        {
            _trimmedTo = _blocks[_head].LastOffset;
            _awayBytes -= _blocks[_head].Buffer is null ? BytesOf(_firstSequence) : 0;
            spare.Take(_blocks[_head]);
            _blocks[_head] = null!;
            _head++;
            _firstSequence++;
        }

        if (_head > 1024 && _head > _blocks.Count / 2)
        {
            _blocks.RemoveRange(0, _head);
            _head = 0;
        }
    }
}

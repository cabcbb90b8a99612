using System.Diagnostics.CodeAnalysis;

namespace OrleansStreaming.Core;

/// <summary>A reader's place in a partition's log. Survives trimming of what it has passed.</summary>
internal struct LogCursor
{
    private long _sequence;
    private int _byte;
    private int _row;

    /// <summary>At the first record above an offset.</summary>
    public static LogCursor After(PartitionLog log, long offset)
    {
        var cursor = new LogCursor { _sequence = log.FindAfter(offset) };
        if (cursor._sequence < log.EndSequence)
        {
            LogBlock block = log[cursor._sequence];
            cursor._skip = (int)Math.Max(0, offset + 1 - block.First.Value);
        }

        return cursor;
    }

    /// <summary>Behind the last record there is.</summary>
    public static LogCursor End(PartitionLog log)
    {
        if (log.FirstSequence == log.EndSequence)
        {
            return new LogCursor { _sequence = log.EndSequence };
        }

        LogBlock last = log[log.EndSequence - 1];
        return new LogCursor { _sequence = log.EndSequence - 1, _row = last.Count, _byte = last.Length };
    }

    /// <summary>Rows to pass over once the block is in memory.</summary>
    private int _skip;

    public readonly long Sequence => _sequence;

    public readonly bool AtEnd(PartitionLog log) =>
        Math.Max(_sequence, log.FirstSequence) >= log.EndSequence
        || (_sequence >= log.FirstSequence && _sequence == log.EndSequence - 1 && _row + _skip >= log[_sequence].Count);

    /// <summary>Whether this place is at or behind another one.</summary>
    public readonly bool Reached(in LogCursor other) =>
        _sequence > other._sequence || (_sequence == other._sequence && _row + _skip >= other._row + other._skip);

    /// <summary>Reads the next row without moving; asks for the block when it has left memory.</summary>
    public bool TryPeek(PartitionLog log, Silo silo, [NotNullWhen(true)] out LogBlock? block, out Row row, out int start, out int length, out long offset)
    {
        if (!TryEnter(log, silo, out block, out start, out int index))
        {
            row = default;
            length = 0;
            offset = 0;
            return false;
        }

        length = Row.Read(block.Rows[start..], block.BaseTime, out row);
        offset = block.First.Value + index;
        return true;
    }

    /// <summary>Finds where the next row lies without moving; asks for the block when it has left memory.</summary>
    /// <param name="log">The log.</param>
    /// <param name="silo">Reads the block again when needed.</param>
    /// <param name="block">The block that holds the row.</param>
    /// <param name="start">Where in the block.</param>
    /// <param name="index">Which of the block's rows.</param>
    public bool TryEnter(PartitionLog log, Silo silo, [NotNullWhen(true)] out LogBlock? block, out int start, out int index)
    {
        start = index = 0;
        if (!TryFindBlock(log, out block))
        {
            return false;
        }

        if (block.Buffer is null)
        {
            silo.BringBack(log, _sequence);
            return false;
        }

        for (; _skip > 0; _skip--)
        {
            Row.Parse(block.Rows[_byte..], block.BaseTime, out RowLayout passed);
            _byte += passed.Length;
            _row++;
        }

        start = _byte;
        index = _row;
        return true;
    }

    /// <summary>Finds the block of the next row, in memory or not, without moving.</summary>
    public bool TryFindBlock(PartitionLog log, [NotNullWhen(true)] out LogBlock? block)
    {
        block = null;
        if (_sequence < log.FirstSequence)
        {
            // What was trimmed had been passed by everything that this cursor reads for.
            this = new LogCursor { _sequence = log.FirstSequence };
        }

        while (_sequence < log.EndSequence)
        {
            block = log[_sequence];
            if (_row + _skip < block.Count)
            {
                return true;
            }

            if (!block.Closed)
            {
                return false;
            }

            PassBlock();
        }

        return false;
    }

    /// <summary>Nothing of the block has been passed.</summary>
    public readonly bool IsAtStart => _row + _skip == 0;

    /// <summary>Passes all of the block.</summary>
    public void PassBlock()
    {
        _sequence++;
        _byte = _row = _skip = 0;
    }

    /// <summary>Passes the row just read.</summary>
    public void Move(int length)
    {
        _byte += length;
        _row++;
    }
}

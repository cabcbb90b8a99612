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
        row = default;
        start = length = 0;
        offset = 0;
        block = null;
        if (_sequence < log.FirstSequence)
        {
            // What was trimmed had been passed by everything that this cursor reads for.
            this = new LogCursor { _sequence = log.FirstSequence };
        }

        while (true)
        {
            if (_sequence >= log.EndSequence)
            {
                return false;
            }

            block = log[_sequence];
            if (_row + _skip < block.Count)
            {
                break;
            }

            if (!block.Closed)
            {
                return false;
            }

            _sequence++;
            _byte = _row = _skip = 0;
        }

        if (block.Buffer is null)
        {
            silo.BringBack(log, _sequence);
            return false;
        }

        for (; _skip > 0; _skip--)
        {
            _byte += Row.Read(block.Rows[_byte..], block.BaseTime, out _);
            _row++;
        }

        start = _byte;
        length = Row.Read(block.Rows[_byte..], block.BaseTime, out row);
        offset = block.First.Value + _row;
        return true;
    }

    /// <summary>Passes the row just read.</summary>
    public void Move(int length)
    {
        _byte += length;
        _row++;
    }
}

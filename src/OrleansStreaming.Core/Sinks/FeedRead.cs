namespace OrleansStreaming.Core;

/// <summary>What a look into the past has found.</summary>
/// <param name="Events">In order.</param>
/// <param name="ReadTo">There are no others at or below.</param>
/// <param name="Gone">The records from where it began are not all there any more; nothing was read.</param>
internal sealed record FeedHistory(IReadOnlyList<FeedEvent> Events, long ReadTo, bool Gone = false);

/// <summary>Looks for the stable events of one key in a part of a partition that has been handed out before. Goes on in the owner's loop, a bounded piece in each step.</summary>
/// <param name="key">The key.</param>
/// <param name="after">Begins behind it.</param>
/// <param name="to">Ends there.</param>
/// <param name="maxEvents">Ends sooner when so many have been found.</param>
/// <param name="fromEarliest">Begins at the first record there is when those behind <paramref name="after"/> are gone.</param>
internal sealed class FeedRead(byte[] key, long after, long to, int maxEvents, bool fromEarliest)
{
    private readonly TaskCompletionSource<FeedHistory?> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<FeedEvent> _found = [];
    private LogCursor _cursor;
    private long _at = after;
    private bool _begun;

    public Task<FeedHistory?> Answer => _answer.Task;

    public void Refuse() => _answer.TrySetResult(null);

    /// <summary>Reads on; true when it is done. When rows have left memory they are asked for, and it goes on in a later step.</summary>
    public bool Step(Silo silo, Partition partition, ref int budget)
    {
        long trimmed = partition.Manifest.Current.TrimmedTo;
        if (_at < trimmed)
        {
            if (_begun || !fromEarliest)
            {
                // Perhaps what it has found so far is of use; it is not known what lies between.
                return End(new FeedHistory(_found, _at, Gone: true));
            }

            _at = trimmed;
        }

        PartitionLog log = partition.Log;
        if (!_begun)
        {
            _cursor = LogCursor.After(log, _at);
            _begun = true;
        }

        while (_found.Count < maxEvents)
        {
            if (budget-- <= 0)
            {
                return false;
            }

            if (!_cursor.TryPeek(log, silo, out LogBlock? block, out Row row, out _, out int length, out long offset))
            {
                if (_cursor.TryFindBlock(log, out _))
                {
                    return false; // It comes back to memory.
                }

                _at = Math.Max(_at, to);
                break;
            }

            if (offset > to)
            {
                _at = Math.Max(_at, to);
                break;
            }

            _cursor.Move(length);
            if (row.Kind == RecordKind.Event && !block.IsVoid(row.Slot) && row.Key.SequenceEqual(key))
            {
                _found.Add(FeedRunner.Copy(in row, offset, _at));
            }

            _at = offset;
        }

        return End(new FeedHistory(_found, _at));
    }

    private bool End(FeedHistory history)
    {
        _answer.TrySetResult(history);
        return true;
    }
}

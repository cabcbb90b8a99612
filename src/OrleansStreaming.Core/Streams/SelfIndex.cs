namespace OrleansStreaming.Core;

/// <summary>Where a decision record lies, so that replay can look ahead for it.</summary>
internal sealed record DecisionEntry(LogBlock Block, int Slot, long Offset, string Reason);

/// <summary>
/// The records of a partition that grains wrote for themselves: fired timers, answers of calls, decisions. Kept while the
/// records are in the log.
/// </summary>
internal sealed class SelfIndex
{
    private readonly Dictionary<(RecordKind Kind, int Operator, RecordName Name), List<(byte[] Key, DecisionEntry Entry)>> _entries = [];
    private readonly Queue<(RecordKind Kind, int Operator, RecordName Name, long Offset)> _order = new();

    public bool HasDecisions { get; private set; }

    public void Add(RecordKind kind, int operatorId, ReadOnlySpan<byte> key, RecordName name, DecisionEntry entry)
    {
        if (!_entries.TryGetValue((kind, operatorId, name), out List<(byte[], DecisionEntry)>? list))
        {
            _entries.Add((kind, operatorId, name), list = []);
        }

        list.Add((key.ToArray(), entry));
        _order.Enqueue((kind, operatorId, name, entry.Offset));
        HasDecisions |= kind == RecordKind.Decision;
    }

    /// <summary>Whether a non-void record of that name is in the partition.</summary>
    public bool Contains(RecordKind kind, int operatorId, ReadOnlySpan<byte> key, RecordName name) => Find(kind, operatorId, key, name) is not null;

    /// <summary>The non-void decision to leave out an event.</summary>
    public DecisionEntry? FindDecision(int operatorId, ReadOnlySpan<byte> key, long offset) =>
        Find(RecordKind.Decision, operatorId, key, new RecordName(offset, 0));

    /// <summary>Whether a record of a grain for itself is void; then what it brought must come again.</summary>
    public bool AnyVoid()
    {
        foreach (List<(byte[] Key, DecisionEntry Entry)> list in _entries.Values)
        {
            foreach ((_, DecisionEntry entry) in list)
            {
                if (entry.Block.IsVoid(entry.Slot))
                {
                    return true;
                }
            }
        }

        return false;
    }

    public void TrimTo(long offset)
    {
        while (_order.TryPeek(out var first) && first.Offset <= offset)
        {
            _order.Dequeue();
            if (_entries.TryGetValue((first.Kind, first.Operator, first.Name), out var list))
            {
                list.RemoveAll(e => e.Entry.Offset <= offset);
                if (list.Count == 0)
                {
                    _entries.Remove((first.Kind, first.Operator, first.Name));
                }
            }
        }
    }

    private DecisionEntry? Find(RecordKind kind, int operatorId, ReadOnlySpan<byte> key, RecordName name)
    {
        if (_entries.TryGetValue((kind, operatorId, name), out List<(byte[] Key, DecisionEntry Entry)>? list))
        {
            foreach ((byte[] entryKey, DecisionEntry entry) in list)
            {
                if (key.SequenceEqual(entryKey) && !entry.Block.IsVoid(entry.Slot))
                {
                    return entry;
                }
            }
        }

        return null;
    }
}

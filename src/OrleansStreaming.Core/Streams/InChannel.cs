namespace OrleansStreaming.Core;

/// <summary>The receiving end of a channel: takes only the next number, and acknowledges what is durable.</summary>
internal sealed class InChannel
{
    private readonly Queue<(long Number, long Lsn)> _waiting = new();
    private long _highestLsn;

    /// <summary>The only number that is taken.</summary>
    public long Next { get; set; } = 1;

    public long DurableNumber { get; private set; }

    /// <summary>There is something new to tell the sender.</summary>
    public bool Changed { get; set; }

    /// <summary>
    /// A number has been taken care of and is acknowledged when an LSN of the own journal is durable; 0 for at once.
    /// </summary>
    public void Took(long number, long lsn)
    {
        Next = number + 1;
        Changed = true;
        if (lsn <= _highestLsn && _waiting.Count > 0)
        {
            lsn = _highestLsn;
        }

        _highestLsn = Math.Max(_highestLsn, lsn);
        _waiting.Enqueue((number, lsn));
    }

    /// <summary>The own journal is durable up to an LSN.</summary>
    public void Advance(long durable)
    {
        while (_waiting.TryPeek(out var first) && first.Lsn <= durable)
        {
            _waiting.Dequeue();
            DurableNumber = first.Number;
            Changed = true;
        }
    }
}

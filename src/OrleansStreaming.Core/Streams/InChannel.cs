namespace OrleansStreaming.Core;

/// <summary>The receiving end of a channel: takes only the next number, and acknowledges what is durable.</summary>
internal sealed class InChannel
{
    /// <summary>The last number of each frame that numbers wait for, but for the last one.</summary>
    private readonly Queue<(long Number, long Lsn)> _waiting = new();
    private (long Number, long Lsn) _last;

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
        if (lsn <= _last.Lsn && _last.Number > DurableNumber)
        {
            // Not before what came earlier; most records of a message share a frame anyway.
            _last.Number = number;
            return;
        }

        if (_last.Number > DurableNumber)
        {
            _waiting.Enqueue(_last);
        }

        _last = (number, lsn);
    }

    /// <summary>The own journal is durable up to an LSN.</summary>
    public void Advance(long durable)
    {
        while (_waiting.TryPeek(out var first) && first.Lsn <= durable)
        {
            _waiting.Dequeue();
            Acknowledge(first.Number);
        }

        if (_waiting.Count == 0 && _last.Number > DurableNumber && _last.Lsn <= durable)
        {
            Acknowledge(_last.Number);
        }
    }

    private void Acknowledge(long number)
    {
        DurableNumber = number;
        Changed = true;
    }
}

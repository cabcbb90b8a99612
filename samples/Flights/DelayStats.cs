namespace Flights;

/// <summary>What both operators remember per key. Unmanaged, so it is checkpointed as it lies in memory.</summary>
public struct DelayStats
{
    /// <summary>Flights.</summary>
    public long Count { get; set; }

    /// <summary>The sum of their delays in minutes.</summary>
    public long SumDelay { get; set; }

    /// <summary>The longest delay.</summary>
    public int MaxDelay { get; set; }

    /// <summary>The shortest delay.</summary>
    public int MinDelay { get; set; }

    /// <summary>Takes one more flight into account.</summary>
    public void Add(int delay)
    {
        MaxDelay = Count == 0 ? delay : Math.Max(MaxDelay, delay);
        MinDelay = Count == 0 ? delay : Math.Min(MinDelay, delay);
        Count++;
        SumDelay += delay;
    }
}

namespace OrleansStreaming.Core;

/// <summary>The sending end of a channel: what a silo has sent to one partition and does not know to be durable there.</summary>
internal sealed class OutChannel(int partition)
{
    public int Partition { get; } = partition;

    public int Epoch { get; set; } = -1;

    /// <summary>The owner's journal; -1 while it is not known.</summary>
    public int Journal { get; set; } = -1;

    public long NextNumber { get; set; } = 1;

    /// <summary>The first number that has not been handed to the transport.</summary>
    public long TransmitNext { get; set; } = 1;

    /// <summary>The receiver has everything up to here, if not durably.</summary>
    public long Received { get; set; }

    public long LastProgressMs { get; set; }

    public List<SendBatch> Unacknowledged { get; } = [];

    public SendBatch? Open { get; set; }

    public bool Dirty { get; set; }
}

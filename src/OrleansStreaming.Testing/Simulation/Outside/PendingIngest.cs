namespace OrleansStreaming.Testing.Simulation;

/// <summary>A batch on its way into a silo.</summary>
internal sealed class PendingIngest
{
    public required SimulatedProducer Producer { get; init; }

    public required IReadOnlyList<InputEvent> Events { get; init; }

    public required int Partition { get; init; }

    /// <summary>Of a client: the number of the request.</summary>
    public long Sequence { get; init; }

    /// <summary>Of a source: the positions of the events.</summary>
    public IReadOnlyList<long> Positions { get; init; } = [];

    /// <summary>What the events are known by.</summary>
    public required IReadOnlyList<ulong> Identities { get; init; }

    public bool Answered { get; set; }
}

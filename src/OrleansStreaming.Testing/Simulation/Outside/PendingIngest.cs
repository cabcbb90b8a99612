namespace OrleansStreaming.Testing.Simulation;

/// <summary>A batch on its way into a silo.</summary>
internal sealed class PendingIngest
{
    public required SimulatedProducer Producer { get; init; }

    public required List<SimulatedEvent> Events { get; init; }

    public required int Partition { get; init; }

    /// <summary>Of a source: the positions of the events.</summary>
    public List<long> Positions { get; init; } = [];

    public bool Answered { get; set; }
}

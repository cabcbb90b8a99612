using OrleansStreaming.Topologies;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>What runs in a simulated world: a topology, what comes in, and what operators get from outside.</summary>
internal abstract class Workload(CompiledTopology compiled)
{
    public Topology Topology => Compiled.Topology;

    /// <summary>Streams fed from outside.</summary>
    public abstract IReadOnlyList<InputStream> Inputs { get; }

    /// <summary>
    /// Every turn of the reference runs twice, and what differs is taken for a mistake of the operator. For operators that
    /// the simulator does not know.
    /// </summary>
    public abstract bool RunsTwice { get; }

    protected CompiledTopology Compiled { get; } = compiled;

    /// <summary>A service for the operators of a silo.</summary>
    public abstract object? ServiceOf(SimulatedSilo silo, Type type);

    /// <summary>Computes what operators must do.</summary>
    public abstract Reference NewReference(KeyTable keys);
}

/// <summary>A stream that is fed from outside.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Next">Makes an event; the number is never given twice.</param>
/// <param name="Anonymous">Producers without an id may feed it: no two events have the same bytes.</param>
internal sealed record InputStream(StreamDefinition Stream, Func<SimulationRandom, ulong, InputEvent> Next, bool Anonymous);

/// <summary>An event from outside, encoded.</summary>
internal sealed record InputEvent(byte[] Key, byte Type, byte[] Payload);

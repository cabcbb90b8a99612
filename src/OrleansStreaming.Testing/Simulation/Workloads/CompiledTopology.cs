using OrleansStreaming.Topologies;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>
/// A topology ready to be simulated: numbered as a deployment would number it, with simulated sinks in place of its own, and
/// a reference of each operator. Immutable: many worlds share one.
/// </summary>
internal sealed class CompiledTopology
{
    public CompiledTopology(StreamingBuilder builder)
    {
        Topology built = builder.Build();
        Topology = new Topology(built.Streams, built.Operators, [.. built.Sinks.Select(Simulated)], [], built.Serializers);
        int id = 0;
        foreach (StreamDefinition stream in Topology.Streams)
        {
            stream.Id = id++;
            int index = 0;
            foreach (EventType type in stream.Types)
            {
                type.Index = index++;
            }
        }

        id = 0;
        foreach (OperatorDefinition op in Topology.Operators)
        {
            op.Id = id++;
        }

        id = 0;
        foreach (SinkDefinition sink in Topology.Sinks)
        {
            sink.Id = id++;
        }

        References = Topology.Operators.Where(o => o.GrainType is not null).ToDictionary(o => o.Id, o => ReferenceOperator.For(o, Topology)!);
    }

    public Topology Topology { get; }

    public IReadOnlyDictionary<int, ReferenceOperator> References { get; }

    private static SinkDefinition Simulated(SinkDefinition sink)
    {
        Type view = typeof(SimulatedSink<>).MakeGenericType(sink.EventType.ClrType);
        return new SinkDefinition
        {
            Name = sink.Name,
            From = sink.From,
            EventType = sink.EventType,
            Factory = services => Activator.CreateInstance(view, services.GetService(typeof(SimulatedSilo)), sink.Name, sink.EventType)!,
        };
    }
}

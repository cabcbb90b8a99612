namespace OrleansStreaming.Topologies;

/// <summary>The validated topology: what reads and writes what. Immutable once the deployment has numbered it.</summary>
internal sealed class Topology(
    IReadOnlyList<StreamDefinition> streams,
    IReadOnlyList<OperatorDefinition> operators,
    IReadOnlyList<SinkDefinition> sinks,
    IReadOnlyList<SourceDefinition> sources,
    SerializerRegistry serializers)
{
    public IReadOnlyList<StreamDefinition> Streams { get; } = streams;

    public IReadOnlyList<OperatorDefinition> Operators { get; } = operators;

    public IReadOnlyList<SinkDefinition> Sinks { get; } = sinks;

    public IReadOnlyList<SourceDefinition> Sources { get; } = sources;

    public SerializerRegistry Serializers { get; } = serializers;

    /// <summary>A loop, not a query: asked for every request.</summary>
    public StreamDefinition? FindStream(string name)
    {
        for (int i = 0; i < Streams.Count; i++)
        {
            if (Streams[i].Name == name)
            {
                return Streams[i];
            }
        }

        return null;
    }

    public OperatorDefinition? FindOperator(string name) => Operators.FirstOrDefault(o => o.Name == name);
}

/// <summary>A named, typed stream, split in partitions by key.</summary>
internal sealed class StreamDefinition
{
    /// <summary>Given by the deployment manifest; never changes and is never used again.</summary>
    public int Id { get; set; } = -1;

    public required string Name { get; init; }

    public required KeyKind KeyKind { get; init; }

    /// <summary>In the order of <see cref="EventType.Index"/>; the deployment manifest brings it into the stored order.</summary>
    public required IReadOnlyList<EventType> Types { get; set; }

    public required int PartitionCount { get; init; }

    /// <summary>Delivers only what is stable.</summary>
    public bool Strict { get; init; }

    /// <summary>May close a cycle.</summary>
    public bool Feedback { get; init; }

    /// <summary>Made by the builder (inboxes, dead letters), not by the user.</summary>
    public bool Internal { get; init; }

    public TimeSpan RetainFor { get; init; }

    public long RetainBytes { get; init; }

    /// <summary>The type a stream of one type carries, or the matching one; null when it carries no such type.</summary>
    public EventType<T>? Find<T>()
    {
        for (int i = 0; i < Types.Count; i++)
        {
            if (Types[i] is EventType<T> typed)
            {
                return typed;
            }
        }

        return null;
    }
}

/// <summary>An operator: a grain class, the one stream it reads and those that it may write.</summary>
internal sealed class OperatorDefinition
{
    /// <summary>Given by the deployment manifest.</summary>
    public int Id { get; set; } = -1;

    public required string Name { get; init; }

    /// <summary>The grain class; null for a relay, which copies the events of <see cref="From"/> to its only output.</summary>
    public required Type? GrainType { get; init; }

    public Type? StateType { get; init; }

    public required StreamDefinition From { get; init; }

    public required IReadOnlyList<StreamDefinition> To { get; init; }

    /// <summary>Where events go that the operator cannot process; null unless the policy is <see cref="FailurePolicy.DeadLetter"/>.</summary>
    public StreamDefinition? DeadLetters { get; init; }

    public required OperatorOptions Options { get; init; }
}

/// <summary>A sink on a stream.</summary>
internal sealed class SinkDefinition
{
    /// <summary>Given by the deployment manifest.</summary>
    public int Id { get; set; } = -1;

    public required string Name { get; init; }

    public required StreamDefinition From { get; init; }

    /// <summary>The event type; the stream's only one, but for a feed.</summary>
    public required EventType EventType { get; init; }

    /// <summary>Whether it is not a sink but a feed: who reads it takes the events, of all types, when it likes, and tells how far it has got.</summary>
    public bool IsFeed { get; init; }

    /// <summary>Makes the <see cref="ISink{TEvent}"/>, or the receiver of a feed.</summary>
    public required Func<IServiceProvider, object> Factory { get; init; }
}

/// <summary>A source that feeds a stream.</summary>
internal sealed class SourceDefinition
{
    public required string Name { get; init; }

    public required StreamDefinition To { get; init; }

    public required EventType EventType { get; init; }

    /// <summary>Makes the <see cref="ISource{TEvent}"/>.</summary>
    public required Func<IServiceProvider, object> Factory { get; init; }
}

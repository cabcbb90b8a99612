namespace OrleansStreaming.Topologies;

/// <summary>A stream as it was declared; nothing about it has been checked.</summary>
internal sealed class StreamDeclaration(string name, KeyKind keyKind)
{
    public string Name { get; } = name;

    public KeyKind KeyKind { get; } = keyKind;

    public List<EventTypeDeclaration> Types { get; init; } = [];

    /// <summary>Null for the builder's default.</summary>
    public int? Partitions { get; set; }

    public bool Strict { get; set; }

    public bool Feedback { get; set; }

    public bool Internal { get; init; }

    public bool Retains { get; set; }

    public TimeSpan RetainFor { get; set; }

    public long RetainBytes { get; set; }
}

/// <summary>An event type whose serialiser is looked up later, when all serialisers are known.</summary>
internal sealed record EventTypeDeclaration(Type ClrType, Func<SerializerRegistry, EventType> Create)
{
    public static EventTypeDeclaration Of<TEvent, TKey>(Func<TEvent, TKey> keyedBy)
    {
        KeyWriter<TEvent> key = KeyCodec.WriterOf(keyedBy);
        return new EventTypeDeclaration(typeof(TEvent), registry => new EventType<TEvent>(registry.Get<TEvent>(), key, registry.Json));
    }
}

/// <summary>An operator as it was declared.</summary>
internal sealed record OperatorDeclaration(string Name, Type Type, StreamNames From, StreamNames To, OperatorOptions Options)
{
    public string InboxName => Name + Names.InboxSuffix;

    public string DeadLettersName => Name + Names.DeadLettersSuffix;

    public bool HasInbox => From.Count > 1;

    public bool HasDeadLetters => Options.OnFailure == FailurePolicy.DeadLetter;
}

/// <summary>A feed as it was declared.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Streams">The streams; null for all.</param>
/// <param name="Factory">Makes its receiver.</param>
internal sealed record FeedDeclaration(string Name, IReadOnlyCollection<string>? Streams, Func<IServiceProvider, object> Factory);

/// <summary>A sink or a source as it was declared: on one stream, made by a class or by a function.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Stream">The stream that it reads or writes.</param>
/// <param name="Type">The class; null when a function makes it.</param>
/// <param name="EventType">The event type of the function; null when the class tells.</param>
/// <param name="Factory">Makes it.</param>
internal sealed record EdgeDeclaration(string Name, string Stream, Type? Type, Type? EventType, Func<IServiceProvider, object> Factory);

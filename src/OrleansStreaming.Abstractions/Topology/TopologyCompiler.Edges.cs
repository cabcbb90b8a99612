namespace OrleansStreaming.Topologies;

/// <content>Sinks and sources.</content>
internal sealed partial class TopologyCompiler
{
    private SinkDefinition? CompileSink(EdgeDeclaration sink)
    {
        string user = $"Sink '{sink.Name}'";
        StreamDefinition? stream = Find(user, sink.Stream);
        Type[]? types = TypesOf(user, sink, typeof(ISink<>));
        if (stream is null || types is null)
        {
            return null;
        }

        if (stream.Types.Count > 1)
        {
            _mistakes.Add($"{user} reads stream '{stream.Name}', which carries {Carried(stream)}: a sink reads a stream of one type; add a stream for each.");
            return null;
        }

        return Match(user, "takes", types, stream) is { } type
            ? new SinkDefinition { Name = sink.Name, From = stream, EventType = type, Factory = WithJson(sink.Factory) }
            : null;
    }

    // A name that no sink can have: names of sinks have no '/'.
    private IEnumerable<SinkDefinition> CompileFeed(FeedDeclaration feed)
    {
        IEnumerable<StreamDefinition> read = feed.Streams is null
            ? _streams.Values.Where(s => !s.Internal)
            : feed.Streams.Distinct().Select(s => Find($"Stream provider '{feed.Name}'", s)).OfType<StreamDefinition>();
        return read.Where(s => s.Types.Count > 0).Select(s => new SinkDefinition
        {
            Name = $"{feed.Name}/{s.Name}",
            From = s,
            EventType = s.Types[0],
            IsFeed = true,
            Factory = feed.Factory,
        }).ToArray();
    }

    private SourceDefinition? CompileSource(EdgeDeclaration source)
    {
        string user = $"Source '{source.Name}'";
        StreamDefinition? stream = MayWrite(user, source.Stream) ? Find(user, source.Stream) : null;
        Type[]? types = TypesOf(user, source, typeof(ISource<>));
        return stream is not null && types is not null && Match(user, "gives", types, stream) is { } type
            ? new SourceDefinition { Name = source.Name, To = stream, EventType = type, Factory = WithJson(source.Factory) }
            : null;
    }

    private Type[]? TypesOf(string user, EdgeDeclaration edge, Type contract)
    {
        if (edge.EventType is not null)
        {
            return [edge.EventType];
        }

        Type type = edge.Type!;
        string name = TypeNames.Short(type);
        if (type.IsAbstract)
        {
            _mistakes.Add($"{user}: {name} is abstract: name a class that can be made.");
            return null;
        }

        Type[] types = [.. type.GetInterfaces().Where(i => i.IsGenericType && i.GetGenericTypeDefinition() == contract).Select(i => i.GetGenericArguments()[0])];
        if (types.Length == 0)
        {
            _mistakes.Add($"{user}: {name} does not implement {TypeNames.Plain(contract)}<TEvent>: implement it.");
            return null;
        }

        return types;
    }

    private EventType? Match(string user, string does, Type[] types, StreamDefinition stream)
    {
        EventType[] matches = [.. stream.Types.Where(t => types.Contains(t.ClrType))];
        if (matches.Length == 1)
        {
            return matches[0];
        }

        // A stream whose types could not be understood has been reported.
        if (stream.Types.Count > 0)
        {
            string offered = string.Join(" and ", types.Select(TypeNames.Short));
            _mistakes.Add($"{user} {does} {offered}, but stream '{stream.Name}' carries {Carried(stream)}: "
                + (matches.Length == 0 ? "make the types agree." : "one source gives one of its types; split it."));
        }

        return null;
    }

    private static string Carried(StreamDefinition stream) => string.Join(" and ", stream.Types.Select(t => TypeNames.Short(t.ClrType)));

    private Func<IServiceProvider, object> WithJson(Func<IServiceProvider, object> factory) => provider =>
    {
        object made = factory(provider);
        (made as IUsesJson)?.UseJson(registry.Json);
        return made;
    };
}

namespace OrleansStreaming.Topologies;

/// <summary>
/// Turns declarations into a topology. Goes on after a mistake with what can still be understood, so that one start shows
/// all of them.
/// </summary>
internal sealed partial class TopologyCompiler(
    IReadOnlyList<StreamDeclaration> streams,
    IReadOnlyList<OperatorDeclaration> operators,
    IReadOnlyList<EdgeDeclaration> sinks,
    IReadOnlyList<EdgeDeclaration> sources,
    IReadOnlyList<FeedDeclaration> feeds,
    int defaultPartitions,
    SerializerRegistry registry)
{
    private const int MaxPartitions = 1024;
    private const int MaxTypes = 256; // a record has one byte for the index of its type

    private readonly List<string> _mistakes = [];
    private readonly Dictionary<string, StreamDeclaration> _declared = new(StringComparer.Ordinal);
    private readonly Dictionary<string, StreamDefinition> _streams = new(StringComparer.Ordinal);
    private readonly List<OperatorDefinition> _operators = [];
    private readonly HashSet<(string Owner, Type Type)> _checkedTypes = [];

    public Topology Compile()
    {
        CheckNames();
        foreach (StreamDeclaration stream in streams)
        {
            Declare(stream);
        }

        foreach (OperatorDeclaration op in operators.Where(o => o.HasDeadLetters))
        {
            Declare(new StreamDeclaration(op.DeadLettersName, KeyKind.String)
            {
                Types = { EventTypeDeclaration.Of<DeadLetter, string>(letter => letter.Key) },
                Partitions = op.Options.DeadLetterPartitions,
                Internal = true,
            });
        }

        foreach (OperatorDeclaration op in operators)
        {
            Compile(op);
        }

        SinkDefinition[] sinkDefinitions = [.. sinks.Select(CompileSink).OfType<SinkDefinition>(), .. feeds.SelectMany(CompileFeed)];
        SourceDefinition[] sourceDefinitions = [.. sources.Select(CompileSource).OfType<SourceDefinition>()];
        foreach (string cycle in CycleFinder.Find(operators, name => _declared.TryGetValue(name, out StreamDeclaration? s) && s.Feedback))
        {
            _mistakes.Add($"Streams form a cycle: {cycle}. If it is meant, declare one of its streams with Feedback(); else remove an edge.");
        }

        return _mistakes.Count == 0
            ? new Topology([.. _streams.Values], _operators, sinkDefinitions, sourceDefinitions, registry)
            : throw new TopologyException(_mistakes);
    }

    private void CheckNames()
    {
        if (defaultPartitions is < 1 or > MaxPartitions)
        {
            _mistakes.Add($"DefaultPartitions is {defaultPartitions}: choose 1 to {MaxPartitions}.");
        }

        AddUnlessNull(streams.Select(s => Names.CheckStream(s.Name)));
        AddUnlessNull(operators.Select(o => Names.Check("operator", o.Name)));
        AddUnlessNull(sinks.Select(s => Names.Check("sink", s.Name)));
        AddUnlessNull(sources.Select(s => Names.Check("source", s.Name)));
        AddUnlessNull(feeds.Select(f => Names.Check("stream provider", f.Name)));
        CheckTwice("streams", "", streams.Select(s => s.Name));
        CheckTwice("operators", " (name: in AddOperator)", operators.Select(o => o.Name));
        CheckTwice("sinks", " (name: in AddSink)", sinks.Select(s => s.Name));
        CheckTwice("stream providers", "", feeds.Select(f => f.Name));
        CheckTwice("sources", " (name: in AddSource)", sources.Select(s => s.Name));
    }

    private void AddUnlessNull(IEnumerable<string?> mistakes) => _mistakes.AddRange(mistakes.OfType<string>());

    // Names that differ only in case would be one file on some systems.
    private void CheckTwice(string what, string how, IEnumerable<string> names)
    {
        foreach (IGrouping<string, string> same in names.GroupBy(n => n, StringComparer.OrdinalIgnoreCase).Where(g => g.Count() > 1))
        {
            string spelling = same.Distinct().Count() == 1 ? $"'{same.Key}'" : string.Join(" and ", same.Distinct().Select(n => $"'{n}'")) + ", which differ only in case";
            _mistakes.Add($"{same.Count()} {what} are called {spelling}: give each its own name{how}.");
        }
    }

    private StreamDefinition? Find(string user, string name)
    {
        if (_streams.TryGetValue(name, out StreamDefinition? stream))
        {
            return stream;
        }

        string? like = Names.MostLike(name, _streams.Keys);
        string known = _streams.Count == 0 ? "no stream is declared" : "declared are " + string.Join(", ", _streams.Values.Where(s => !s.Internal).Select(s => s.Name));
        _mistakes.Add($"{user} names stream '{name}', which does not exist: " + (like is null ? $"{known}. Add it with AddStream." : $"did you mean '{like}'?"));
        return null;
    }
}

namespace OrleansStreaming.Topologies;

/// <summary>One comparison of a topology with a manifest. Collects all differences; touches the topology only when there are none.</summary>
internal sealed partial class DeploymentMerge(DeploymentManifest stored, Topology topology)
{
    private readonly List<string> _differences = [];
    private readonly List<string> _changes = [];
    private readonly List<Action> _assign = [];
    private int _nextStream = stored.NextIds.Stream;
    private int _nextOperator = stored.NextIds.Operator;
    private int _nextSink = stored.NextIds.Sink;

    public IReadOnlyList<string> Changes => _changes;

    public (NextIds Next, IReadOnlyList<StreamEntry> Streams, IReadOnlyList<OperatorEntry> Operators, IReadOnlyList<SinkEntry> Sinks) Run()
    {
        if (stored.KeyHashName != KeyHash.Name)
        {
            _differences.Add($"Keys were hashed with '{stored.KeyHashName}', and this version hashes with '{KeyHash.Name}': start a version that knows '{stored.KeyHashName}'.");
        }

        List<StreamEntry> streams = Merge("Stream", stored.Streams, topology.Streams, s => s.Name, MergeStream, e => e with { Retired = true });
        List<OperatorEntry> operators = Merge("Operator", stored.Operators, topology.Operators, o => o.Name, MergeOperator, e => e with { Retired = true });
        List<SinkEntry> sinks = Merge("Sink", stored.Sinks, topology.Sinks, s => s.Name, MergeSink, e => e with { Retired = true });
        if (_differences.Count > 0)
        {
            throw new DeploymentMismatchException(_differences);
        }

        _assign.ForEach(assign => assign());
        return (new NextIds(_nextStream, _nextOperator, _nextSink), streams, operators, sinks);
    }

    private List<TEntry> Merge<TEntry, TDefinition>(
        string what,
        IReadOnlyList<TEntry> entries,
        IReadOnlyList<TDefinition> definitions,
        Func<TDefinition, string> nameOf,
        Func<TEntry?, TDefinition, TEntry> merge,
        Func<TEntry, TEntry> retire)
        where TEntry : class, IManifestEntry
    {
        Dictionary<string, TDefinition> declared = definitions.ToDictionary(nameOf, StringComparer.Ordinal);
        List<TEntry> result = [];
        foreach (TEntry entry in entries)
        {
            if (declared.Remove(entry.Name, out TDefinition? definition))
            {
                if (entry.Retired)
                {
                    _changes.Add($"{what} '{entry.Name}' is back (id {entry.Id}).");
                }

                result.Add(merge(entry, definition));
            }
            else
            {
                if (!entry.Retired)
                {
                    _changes.Add($"{what} '{entry.Name}' (id {entry.Id}) is no longer declared and is retired; its name and id stay reserved.");
                }

                result.Add(retire(entry));
            }
        }

        // In the order of declaration, so that the same topology always gets the same ids.
        foreach (TDefinition definition in definitions.Where(d => declared.ContainsKey(nameOf(d))))
        {
            TEntry entry = merge(null, definition);
            _changes.Add($"{what} '{entry.Name}' is new (id {entry.Id}).");
            result.Add(entry);
        }

        return result;
    }

    private OperatorEntry MergeOperator(OperatorEntry? entry, OperatorDefinition definition)
    {
        int id = entry?.Id ?? _nextOperator++;
        _assign.Add(() => definition.Id = id);
        string owner = $"Operator '{definition.Name}'";
        CheckFrom(owner, entry?.From, definition.From.Name);
        return new OperatorEntry(id, definition.Name, definition.From.Name, MergeState(owner, entry, definition.StateType), Retired: false);
    }

    private TypeEntry? MergeState(string owner, OperatorEntry? entry, Type? state)
    {
        if (state is null)
        {
            return entry?.State;
        }

        // The name is for people: what decides is whether the bytes can be read.
        SerializerInfo serializer = topology.Serializers.Describe(state);
        string what = $"{owner}, state {TypeNames.Short(state)}";
        return MergeType(what, entry?.State, TypeNames.Stored(state), serializer.Schema, serializer.CanRead);
    }

    private SinkEntry MergeSink(SinkEntry? entry, SinkDefinition definition)
    {
        int id = entry?.Id ?? _nextSink++;
        _assign.Add(() => definition.Id = id);
        CheckFrom($"Sink '{definition.Name}'", entry?.From, definition.From.Name);
        return new SinkEntry(id, definition.Name, definition.From.Name, Retired: false);
    }

    private void CheckFrom(string owner, string? storedFrom, string from)
    {
        if (storedFrom is not null && storedFrom != from)
        {
            _differences.Add($"{owner} read stream '{storedFrom}' and would now read '{from}', where its stored positions mean nothing: give it a new name, or let it read '{storedFrom}' again.");
        }
    }
}

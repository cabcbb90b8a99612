namespace OrleansStreaming.Topologies;

/// <content>Streams and the types that they carry.</content>
internal sealed partial class TopologyCompiler
{
    private StreamDefinition? Declare(StreamDeclaration stream)
    {
        if (!_declared.TryAdd(stream.Name, stream))
        {
            return null; // reported with the names
        }

        int partitions = stream.Partitions ?? defaultPartitions;
        if (stream.Partitions is < 1 or > MaxPartitions)
        {
            _mistakes.Add($"Stream '{stream.Name}' has {partitions} partitions: choose 1 to {MaxPartitions}.");
        }

        if (stream.Retains && (stream.RetainFor <= TimeSpan.Zero || stream.RetainBytes <= 0))
        {
            _mistakes.Add($"Stream '{stream.Name}' retains {stream.RetainFor} and {stream.RetainBytes} bytes: both must be positive; leave Retain out to keep nothing.");
        }

        foreach (IGrouping<string, EventTypeDeclaration> same in stream.Types.GroupBy(t => TypeNames.Stored(t.ClrType)).Where(g => g.Count() > 1))
        {
            _mistakes.Add($"Stream '{stream.Name}' carries {same.Key} {same.Count()} times: name each type once in AddStream and Also.");
        }

        if (stream.Types.Count > MaxTypes)
        {
            _mistakes.Add($"Stream '{stream.Name}' carries {stream.Types.Count} event types: {MaxTypes} are allowed; use several streams.");
        }

        List<EventType> types = [];
        foreach (EventTypeDeclaration declaration in stream.Types.DistinctBy(t => TypeNames.Stored(t.ClrType)))
        {
            if (Create(stream.Name, declaration) is { } type)
            {
                type.Index = types.Count;
                types.Add(type);
            }
        }

        StreamDefinition definition = new()
        {
            Name = stream.Name,
            KeyKind = stream.KeyKind,
            Types = types,
            PartitionCount = partitions,
            Strict = stream.Strict,
            Feedback = stream.Feedback,
            Internal = stream.Internal,
            RetainFor = stream.RetainFor,
            RetainBytes = stream.RetainBytes,
        };
        _streams.Add(stream.Name, definition);
        return definition;
    }

    private EventType? Create(string stream, EventTypeDeclaration declaration)
    {
        // A type of an inbox is a type of its inputs, too; one report is enough.
        string owner = $"Event type {TypeNames.Short(declaration.ClrType)} of stream '{stream}'";
        bool report = _checkedTypes.Add(("", declaration.ClrType));
        return CheckType(owner, declaration.ClrType, report) ? declaration.Create(registry) : null;
    }

    private bool CheckType(string owner, Type type, bool report)
    {
        int before = _mistakes.Count;
        bool usable;
        try
        {
            usable = true;
            if (registry.Describe(type).IsJson)
            {
                _mistakes.AddRange(JsonContract.Check(owner, type, registry.Json));
            }
        }
        catch (Exception e) when (e is NotSupportedException or InvalidOperationException or ArgumentException)
        {
            usable = false;
            _mistakes.Add($"{owner} cannot be serialised: {e.Message} Change the type, or give it a serialiser with UseSerializer.");
        }

        if (!report)
        {
            _mistakes.RemoveRange(before, _mistakes.Count - before);
        }

        return usable;
    }
}

namespace OrleansStreaming.Topologies;

/// <content>Streams and types.</content>
internal sealed partial class DeploymentMerge
{
    private StreamEntry MergeStream(StreamEntry? entry, StreamDefinition definition)
    {
        int id = entry?.Id ?? _nextStream++;
        _assign.Add(() => definition.Id = id);
        if (entry is not null)
        {
            CheckShape(entry, definition);
        }

        List<TypeEntry> types = [];
        List<EventType> ordered = [];
        foreach (TypeEntry known in entry?.Types ?? [])
        {
            if (definition.Types.FirstOrDefault(t => t.Name == known.Name) is not { } type)
            {
                _differences.Add($"Stream '{definition.Name}' carried {known.Name} and no longer does, but stored events of it may be read again: "
                    + "declare the type again (with Also), or start a new stream.");
                continue;
            }

            types.Add(MergeType($"Stream '{definition.Name}', event type {TypeNames.Short(type.ClrType)}", known, type.Name, type.Schema, type.CanReadSchema));
            ordered.Add(type);
        }

        foreach (EventType type in definition.Types.Except(ordered).Where(t => entry?.Types.Any(known => known.Name == t.Name) != true))
        {
            if (entry is not null)
            {
                _changes.Add($"Stream '{definition.Name}' carries {type.Name}, too.");
            }

            types.Add(new TypeEntry(type.Name, [type.Schema]));
            ordered.Add(type);
        }

        // Stored records tell their type by its index, so the stored order wins over the order of declaration.
        _assign.Add(() => Number(definition, ordered));
        return new StreamEntry(id, definition.Name, definition.KeyKind, definition.PartitionCount, types, Retired: false);
    }

    private void CheckShape(StreamEntry entry, StreamDefinition definition)
    {
        string owner = $"Stream '{definition.Name}'";
        if (entry.Partitions != definition.PartitionCount)
        {
            string how = !definition.Internal ? $"Partitions({entry.Partitions})"
                : definition.Name.EndsWith(Names.InboxSuffix, StringComparison.Ordinal) ? $"InboxPartitions = {entry.Partitions} in the options of its operator"
                : $"DeadLetterPartitions = {entry.Partitions} in the options of its operator";
            _differences.Add($"{owner} has {entry.Partitions} partitions and would now have {definition.PartitionCount}, which would move keys away from their state: use {how}, or start a new stream.");
        }

        if (entry.Keys != definition.KeyKind)
        {
            _differences.Add($"{owner} is keyed by {KeyCodec.NameOf(entry.Keys)} and would now be keyed by {KeyCodec.NameOf(definition.KeyKind)}: key it by {KeyCodec.NameOf(entry.Keys)}, or start a new stream.");
        }
    }

    private TypeEntry MergeType(string owner, TypeEntry? entry, string name, string schema, Func<string, bool> canRead)
    {
        if (entry is null)
        {
            return new TypeEntry(name, [schema]);
        }

        // Values of every schema that was ever used may still be stored, not only of the last one.
        foreach (string old in entry.Schemas.Where(old => old != schema && !canRead(old)))
        {
            _differences.Add($"{owner}, was stored as '{old}' and would now be '{schema}', which cannot read it: "
                + "restore the old type, give it a serialiser that reads both (UseSerializer), or use a new name.");
        }

        if (entry.Schemas.Contains(schema))
        {
            return entry with { Name = name };
        }

        _changes.Add($"{owner}, is stored in a new way: '{schema}'.");
        return new TypeEntry(name, [.. entry.Schemas, schema]);
    }

    private static void Number(StreamDefinition definition, List<EventType> ordered)
    {
        for (int i = 0; i < ordered.Count; i++)
        {
            ordered[i].Index = i;
        }

        definition.Types = ordered;
    }
}

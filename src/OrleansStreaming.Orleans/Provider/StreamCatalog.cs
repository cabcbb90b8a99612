using System.Text;
using Orleans.Streams;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Clustering;

/// <summary>What Orleans calls our streams, keys and types. Thread-safe.</summary>
internal sealed class StreamCatalog
{
    private readonly Dictionary<string, Entry> _byName;

    public StreamCatalog(string provider, Topology topology, IReadOnlyCollection<string> streams)
    {
        Provider = provider;
        _byName = topology.Streams
            .Where(s => !s.Internal && (streams.Count == 0 || streams.Contains(s.Name)))
            .ToDictionary(s => s.Name, s => new Entry(s), StringComparer.Ordinal);
    }

    /// <summary>The provider's name.</summary>
    public string Provider { get; }

    public IEnumerable<StreamDefinition> Streams => _byName.Values.Select(e => e.Definition);

    /// <summary>The stream that an Orleans stream is a part of.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public StreamDefinition Find(StreamId id) => Find(id.GetNamespace() ?? string.Empty);

    /// <inheritdoc cref="Find(StreamId)"/>
    public StreamDefinition Find(string name) => _byName.TryGetValue(name, out Entry? entry)
        ? entry.Definition
        : throw new ArgumentException(name.Length == 0
            ? $"Stream provider '{Provider}': the stream has no namespace. The namespace is the name of a declared stream, the key that of its events."
            : $"Stream provider '{Provider}' serves no stream '{name}'; it serves {string.Join(", ", _byName.Keys.Order())}.");

    /// <summary>The Orleans stream of a key: its text, or for a Guid what Orleans makes of one.</summary>
    public StreamId IdOf(StreamDefinition stream, ReadOnlySpan<byte> key) => stream.KeyKind switch
    {
        KeyKind.String => StreamId.Create(_byName[stream.Name].Utf8, key),
        KeyKind.Int64 => StreamId.Create(stream.Name, KeyCodec.ReadInt64(key)),
        _ => StreamId.Create(stream.Name, KeyCodec.ReadGuid(key)),
    };

    /// <summary>The key of an Orleans stream.</summary>
    /// <exception cref="ArgumentException">It is not a key of that stream's kind.</exception>
    public byte[] KeyOf(StreamDefinition stream, StreamId id)
    {
        byte[] key = new byte[KeyCodec.MaxBytes];
        string text = Encoding.UTF8.GetString(id.Key.Span);
        if (!KeyCodec.TryParse(stream.KeyKind, text, key, out int length) || IdOf(stream, key.AsSpan(0, length)) != id)
        {
            throw new ArgumentException($"'{text}' is not a key of stream '{stream.Name}', whose keys are of type {KeyCodec.NameOf(stream.KeyKind)}: make the stream id from a {KeyCodec.NameOf(stream.KeyKind)}.");
        }

        return key[..length];
    }

    /// <summary>How events of a type are stored.</summary>
    /// <exception cref="ArgumentException">The stream does not carry it.</exception>
    public EventType TypeOf(StreamDefinition stream, Type type) => stream.Types.FirstOrDefault(t => t.ClrType == type)
        ?? throw new ArgumentException($"Stream '{stream.Name}' does not carry {TypeNames.Short(type)}; it carries {Carried(stream)}.");

    /// <summary>How events of a stored type are read; null when this process does not declare it.</summary>
    public EventType? FindType(string stream, string name) =>
        _byName.TryGetValue(stream, out Entry? entry) ? entry.Definition.Types.FirstOrDefault(t => t.Name == name) : null;

    /// <summary>The types of a stream, for messages.</summary>
    public static string Carried(StreamDefinition stream) => string.Join(" and ", stream.Types.Select(t => TypeNames.Short(t.ClrType)));

    /// <summary>The queue of a partition.</summary>
    public static QueueId QueueOf(StreamDefinition stream, int index) =>
        QueueId.GetQueueId(stream.Name, (uint)index, (uint)KeyHash.Compute(Encoding.UTF8.GetBytes($"{stream.Name}-{index}")));

    private sealed class Entry(StreamDefinition definition)
    {
        public StreamDefinition Definition { get; } = definition;

        public byte[] Utf8 { get; } = Encoding.UTF8.GetBytes(definition.Name);
    }
}

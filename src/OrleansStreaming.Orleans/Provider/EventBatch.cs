using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;
using Orleans.Streams;
using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Clustering;

/// <summary>
/// Consecutive events of one Orleans stream on their way to a subscriber, as the bytes that the log has; the subscriber's
/// process reads them, so the events' types need no serialiser of Orleans, and no two subscribers share an object.
/// </summary>
[GenerateSerializer]
[Immutable]
[Alias("OrleansStreaming.EventBatch")]
[SerializationCallbacks(typeof(OnDeserializedCallbacks))]
internal sealed class EventBatch : IBatchContainer, IOnDeserialized
{
    [Id(0)]
    private readonly string _provider;

    [Id(1)]
    private readonly StreamId _id;

    [Id(2)]
    private readonly OffsetToken _token;

    /// <summary>The stored name of each event's type.</summary>
    [Id(3)]
    private readonly string[] _types;

    [Id(4)]
    private readonly long[] _offsets;

    [Id(5)]
    private readonly byte[][] _payloads;

    [NonSerialized]
    private StreamCatalog? _catalog;

    public EventBatch(StreamCatalog catalog, StreamDefinition stream, StreamId id, IReadOnlyList<FeedEvent> events, OffsetToken token)
    {
        _catalog = catalog;
        _provider = catalog.Provider;
        _id = id;
        _token = token;
        _types = new string[events.Count];
        _offsets = new long[events.Count];
        _payloads = new byte[events.Count][];
        for (int i = 0; i < events.Count; i++)
        {
            _types[i] = stream.Types[events[i].Type].Name;
            _offsets[i] = events[i].Offset;
            _payloads[i] = events[i].Payload.ToArray();
        }
    }

    public StreamId StreamId => _id;

    public StreamSequenceToken SequenceToken => _token;

    /// <summary>The last event; what went before when it is empty.</summary>
    public long Last => _token.Through;

    public int Count => _offsets.Length;

    /// <summary>The events of a type; those of the stream's other types are not for this subscriber.</summary>
    /// <exception cref="InvalidCastException">The stream carries no such type, or this process does not know it.</exception>
    public IEnumerable<Tuple<T, StreamSequenceToken>> GetEvents<T>()
    {
        if (_offsets.Length == 0)
        {
            yield break;
        }

        StreamCatalog catalog = _catalog ?? throw new InvalidCastException(
            $"This process has no stream provider '{_provider}': add it with AddStreamingProvider, and on a client declare its streams.");
        StreamDefinition stream = catalog.Find(_id);
        if (!stream.Types.Any(t => typeof(T).IsAssignableFrom(t.ClrType)))
        {
            throw new InvalidCastException($"Stream '{stream.Name}' carries {StreamCatalog.Carried(stream)}, and the subscription is for {TypeNames.Short(typeof(T))}.");
        }

        for (int i = 0; i < _offsets.Length; i++)
        {
            EventType type = catalog.FindType(stream.Name, _types[i])
                ?? throw new InvalidCastException($"Stream '{stream.Name}' has an event of type {_types[i]}, which this process does not declare.");
            if (type is EventType<T> exact)
            {
                yield return Tuple.Create(exact.Serializer.Read(_payloads[i]), TokenOf(i));
            }
            else if (typeof(T).IsAssignableFrom(type.ClrType))
            {
                yield return Tuple.Create((T)type.Read(_payloads[i]), TokenOf(i));
            }
        }
    }

    /// <summary>The log keeps no request context.</summary>
    public bool ImportRequestContext() => false;

    void IOnDeserialized.OnDeserialized(DeserializationContext context) => _catalog = context.ServiceProvider.GetKeyedService<StreamCatalog>(_provider);

    private StreamSequenceToken TokenOf(int index) => new OffsetToken(new Offset(_offsets[index]));
}

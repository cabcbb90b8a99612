using System.Text.Json.Serialization;
using Microsoft.Extensions.DependencyInjection;
using OrleansStreaming.Topologies;

namespace OrleansStreaming;

/// <summary>
/// Declares streams and what reads and writes them. The order of the calls does not matter: names are looked up, and
/// everything is checked, when the host starts.
/// </summary>
/// <param name="services">The services of the host, for extensions of this builder; null for a topology on its own.</param>
public sealed partial class StreamingBuilder(IServiceCollection? services = null)
{
    private readonly List<StreamDeclaration> _streams = [];
    private readonly List<OperatorDeclaration> _operators = [];
    private readonly List<EdgeDeclaration> _sinks = [];
    private readonly List<EdgeDeclaration> _sources = [];
    private readonly List<FeedDeclaration> _feeds = [];
    private readonly List<Action<SerializerRegistry>> _serializers = [];
    private readonly List<JsonSerializerContext> _contexts = [];
    private int _defaultPartitions = 8;

    /// <summary>The services of the host.</summary>
    public IServiceCollection Services { get; } = services ?? new ServiceCollection();

    /// <summary>Declares a stream keyed by a string of 1 to 1024 bytes of UTF-8.</summary>
    /// <typeparam name="TEvent">The type of its events.</typeparam>
    /// <param name="name">1 to 100 letters, digits, <c>.</c>, <c>_</c> or <c>-</c>.</param>
    /// <param name="keyedBy">The key of an event; the same event must always give the same key.</param>
    /// <param name="configure">How it is laid out and delivered.</param>
    public StreamingBuilder AddStream<TEvent>(string name, Func<TEvent, string> keyedBy, Action<StreamOptions<string>>? configure = null) =>
        AddStreamOf(name, keyedBy, configure);

    /// <summary>Declares a stream keyed by a number.</summary>
    /// <typeparam name="TEvent">The type of its events.</typeparam>
    /// <param name="name">1 to 100 letters, digits, <c>.</c>, <c>_</c> or <c>-</c>.</param>
    /// <param name="keyedBy">The key of an event; the same event must always give the same key.</param>
    /// <param name="configure">How it is laid out and delivered.</param>
    public StreamingBuilder AddStream<TEvent>(string name, Func<TEvent, long> keyedBy, Action<StreamOptions<long>>? configure = null) =>
        AddStreamOf(name, keyedBy, configure);

    /// <summary>Declares a stream keyed by a <see cref="Guid"/>.</summary>
    /// <typeparam name="TEvent">The type of its events.</typeparam>
    /// <param name="name">1 to 100 letters, digits, <c>.</c>, <c>_</c> or <c>-</c>.</param>
    /// <param name="keyedBy">The key of an event; the same event must always give the same key.</param>
    /// <param name="configure">How it is laid out and delivered.</param>
    public StreamingBuilder AddStream<TEvent>(string name, Func<TEvent, Guid> keyedBy, Action<StreamOptions<Guid>>? configure = null) =>
        AddStreamOf(name, keyedBy, configure);

    /// <summary>The number of partitions of streams and inboxes that do not say otherwise. Default 8.</summary>
    /// <param name="count">From 1 to 1024.</param>
    public StreamingBuilder DefaultPartitions(int count)
    {
        _defaultPartitions = count;
        return this;
    }

    /// <summary>Stores values of a type with a serialiser of your own.</summary>
    /// <typeparam name="T">An event, a state, a request or a result.</typeparam>
    /// <param name="serializer">Deterministic and thread-safe.</param>
    public StreamingBuilder UseSerializer<T>(IEventSerializer<T> serializer)
    {
        ArgumentNullException.ThrowIfNull(serializer);
        _serializers.Add(registry => registry.Register(serializer));
        return this;
    }

    /// <summary>Takes JSON metadata from a source-generated context. Contexts are asked in the order of the calls, reflection last.</summary>
    /// <param name="context">The context; its own options are not used.</param>
    public StreamingBuilder UseJson(JsonSerializerContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        _contexts.Add(context);
        return this;
    }

    /// <summary>Has the stable events of streams handed out to a reader that has its own position in each.</summary>
    /// <param name="name">The reader's name, which its positions are stored under.</param>
    /// <param name="streams">Which streams; null for all that users have declared.</param>
    /// <param name="factory">Makes what is told of partitions that come and go.</param>
    internal StreamingBuilder AddFeed(string name, IReadOnlyCollection<string>? streams, Func<IServiceProvider, object> factory)
    {
        _feeds.Add(new FeedDeclaration(name, streams, factory));
        return this;
    }

    /// <summary>Checks everything that was declared.</summary>
    /// <exception cref="TopologyException">Lists all mistakes.</exception>
    internal Topology Build()
    {
        SerializerRegistry registry = new(StreamingJson.Create(_contexts));
        _serializers.ForEach(register => register(registry));
        return new TopologyCompiler(_streams, _operators, _sinks, _sources, _feeds, _defaultPartitions, registry).Compile();
    }

    private StreamingBuilder AddStreamOf<TEvent, TKey>(string name, Func<TEvent, TKey> keyedBy, Action<StreamOptions<TKey>>? configure)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(keyedBy);
        StreamDeclaration stream = new(name, KeyCodec.KindOf(typeof(TKey))!.Value) { Types = { EventTypeDeclaration.Of(keyedBy) } };
        configure?.Invoke(new StreamOptions<TKey>(stream));
        _streams.Add(stream);
        return this;
    }
}

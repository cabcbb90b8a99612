using System.Buffers;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Concurrency;
using OrleansStreaming.Engine;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Clustering;

/// <summary>Takes the events of one Orleans stream.</summary>
internal interface IPublishing
{
    /// <summary>Returns when they are durable; they are stored together or not at all.</summary>
    Task PublishAsync(StreamId id, IReadOnlyList<object> events);
}

/// <summary>On a silo: through the engine, to whichever silo owns the partition.</summary>
internal sealed class EnginePublishing(StreamCatalog catalog, StreamingEngine engine) : IPublishing
{
    private static readonly TimeSpan BusyWait = TimeSpan.FromMilliseconds(20);

    public async Task PublishAsync(StreamId id, IReadOnlyList<object> events)
    {
        StreamDefinition stream = catalog.Find(id);
        byte[] key = catalog.KeyOf(stream, id);
        using var limit = new CancellationTokenSource(engine.Options.RequestTimeout, engine.Time);
        try
        {
            while ((await engine.IngestAsync(Encode(stream, key, events), limit.Token).ConfigureAwait(false)).Outcome != IngestOutcome.Durable)
            {
                await Task.Delay(BusyWait, engine.Time, limit.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            throw new TimeoutException($"{events.Count} events for stream {id} did not become durable within {engine.Options.RequestTimeout}: they may be stored or not.");
        }
    }

    private IngestEncoder Encode(StreamDefinition stream, byte[] key, IReadOnlyList<object> events)
    {
        IngestEncoder encoder = IngestEncoder.Take(stream, [], 0);
        foreach (object value in events)
        {
            KeyCheck.ThrowUnlessEqual(stream, key, encoder.AddObject(catalog.TypeOf(stream, value.GetType()), value));
        }

        return encoder;
    }
}

/// <summary>On a client: through a silo.</summary>
internal sealed class ClientPublishing(StreamCatalog catalog, IGrainFactory grains) : IPublishing
{
    public async Task PublishAsync(StreamId id, IReadOnlyList<object> events)
    {
        StreamDefinition stream = catalog.Find(id);
        byte[] key = catalog.KeyOf(stream, id), scratch = new byte[KeyCodec.MaxBytes];
        string[] types = new string[events.Count];
        byte[][] payloads = new byte[events.Count][];
        var payload = new ArrayBufferWriter<byte>();
        for (int i = 0; i < events.Count; i++)
        {
            payload.ResetWrittenCount();
            EventType type = catalog.TypeOf(stream, events[i].GetType());
            KeyCheck.ThrowUnlessEqual(stream, key, scratch.AsSpan(0, type.Encode(events[i], payload, scratch)));
            types[i] = type.Name;
            payloads[i] = payload.WrittenSpan.ToArray();
        }

        await grains.GetGrain<IPublisher>(catalog.Provider).PublishAsync(new Publication(id, types, payloads));
    }
}

/// <summary>The key of the stream that an event is published to, and the event's own.</summary>
internal static class KeyCheck
{
    public static void ThrowUnlessEqual(StreamDefinition stream, ReadOnlySpan<byte> expected, ReadOnlySpan<byte> key)
    {
        if (!key.SequenceEqual(expected))
        {
            throw new ArgumentException(
                $"An event with key '{KeyCodec.ToText(stream.KeyKind, key)}' was published to the stream of key '{KeyCodec.ToText(stream.KeyKind, expected)}': "
                + $"the key of '{stream.Name}', as declared with keyedBy, and the key of the Orleans stream must be the same. Nothing was stored.");
        }
    }
}

/// <summary>Events on their way from a client.</summary>
[GenerateSerializer]
[Immutable]
[Alias("OrleansStreaming.Publication")]
internal sealed class Publication(StreamId id, string[] types, byte[][] payloads)
{
    [Id(0)]
    public StreamId Id { get; } = id;

    [Id(1)]
    public string[] Types { get; } = types;

    [Id(2)]
    public byte[][] Payloads { get; } = payloads;
}

/// <summary>Publishes for clients, which have no engine; its key is the provider's name.</summary>
[Alias("OrleansStreaming.IPublisher")]
internal interface IPublisher : IGrainWithStringKey
{
    [Alias("Publish")]
    Task PublishAsync(Publication publication);
}

/// <inheritdoc cref="IPublisher"/>
[StatelessWorker]
internal sealed class PublisherGrain(IServiceProvider services) : Grain, IPublisher
{
    public async Task PublishAsync(Publication publication)
    {
        string name = this.GetPrimaryKeyString();
        StreamCatalog catalog = services.GetKeyedService<StreamCatalog>(name) ?? throw new InvalidOperationException($"The silo has no stream provider '{name}'.");
        StreamDefinition stream = catalog.Find(publication.Id);
        object[] events = new object[publication.Types.Length];
        for (int i = 0; i < events.Length; i++)
        {
            EventType type = catalog.FindType(stream.Name, publication.Types[i])
                ?? throw new ArgumentException($"Stream '{stream.Name}' does not carry {publication.Types[i]}; it carries {StreamCatalog.Carried(stream)}.");
            events[i] = type.Read(publication.Payloads[i]);
        }

        await services.GetRequiredKeyedService<IPublishing>(name).PublishAsync(publication.Id, events);
    }
}

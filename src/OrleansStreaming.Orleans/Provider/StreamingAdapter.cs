using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Providers;
using Orleans.Providers.Streams.Common;
using Orleans.Streams;
using Orleans.Streams.Core;
using OrleansStreaming.Core;
using OrleansStreaming.Engine;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Clustering;

/// <summary>The provider as Orleans sees it: publishes, and on a silo makes a queue of each partition that is served here. Thread-safe.</summary>
internal sealed class StreamingAdapter(
    StreamCatalog catalog, IPublishing publishing, FeedHub? hub, StreamingProviderOptions options, ProviderLog log, TimeProvider time, IServiceProvider services)
    : IQueueAdapter, IQueueAdapterCache, IQueueAdapterFactory, IControllable
{
    /// <summary>The command that asks the subscribers of an idle stream where they want to be; its argument is the stream's id.</summary>
    public const int AskCommand = (int)PersistentStreamProviderCommand.AdapterCommandStartRange + 1;

    private readonly ConcurrentDictionary<QueueId, PartitionQueue> _queues = new();

    public string Name => catalog.Provider;

    public bool IsRewindable => true;

    public StreamProviderDirection Direction => hub is null ? StreamProviderDirection.WriteOnly : StreamProviderDirection.ReadWrite;

    public static StreamingAdapter OnSilo(IServiceProvider services, string name)
    {
        FeedHub hub = services.GetRequiredKeyedService<FeedHub>(name);
        var adapter = new StreamingAdapter(
            services.GetRequiredKeyedService<StreamCatalog>(name),
            services.GetRequiredKeyedService<IPublishing>(name),
            hub,
            services.GetRequiredService<IOptionsMonitor<StreamingProviderOptions>>().Get(name),
            new ProviderLog(services.GetRequiredService<ILoggerFactory>().CreateLogger("OrleansStreaming.Provider")),
            services.GetRequiredService<StreamingEngine>().Time,
            services);
        hub.Changed += adapter.Wake;
        return adapter;
    }

    public static StreamingAdapter OnClient(IServiceProvider services, string name)
    {
        StreamCatalog catalog = services.GetRequiredKeyedService<StreamCatalog>(name);
        var log = new ProviderLog(services.GetRequiredService<ILoggerFactory>().CreateLogger("OrleansStreaming.Provider"));
        return new StreamingAdapter(catalog, new ClientPublishing(catalog, services.GetRequiredService<IGrainFactory>()), null, new StreamingProviderOptions(), log, TimeProvider.System, services);
    }

    public async Task QueueMessageBatchAsync<T>(StreamId streamId, IEnumerable<T> events, StreamSequenceToken? token, Dictionary<string, object>? requestContext)
    {
        if (token is not null)
        {
            throw new ArgumentException("An event gets its place when it is stored: publish it without a token.", nameof(token));
        }

        ArgumentNullException.ThrowIfNull(events);
        object[] all = [.. events.Select(e => (object)e! ?? throw new ArgumentException("null is not an event.", nameof(events)))];
        await publishing.PublishAsync(streamId, all);
    }

    public IQueueCache CreateQueueCache(QueueId queueId)
    {
        StreamDefinition stream = catalog.Find(queueId.GetStringNamePrefix());
        var queue = new PartitionQueue(catalog, stream, (int)queueId.GetNumericId(), hub!, options, log, time);
        _queues[queueId] = queue;
        return queue.Cache;
    }

    /// <summary>Asked for after the cache.</summary>
    public IQueueAdapterReceiver CreateReceiver(QueueId queueId) => _queues[queueId];

    public Task<IQueueAdapter> CreateAdapter() => Task.FromResult<IQueueAdapter>(this);

    public IQueueAdapterCache GetQueueAdapterCache() => this;

    public IStreamQueueMapper GetStreamQueueMapper() => new QueueMapper(catalog);

    public Task<IStreamFailureHandler> GetDeliveryFailureHandler(QueueId queueId) =>
        Task.FromResult<IStreamFailureHandler>(new DeliveryFailures(() => _queues.GetValueOrDefault(queueId), options, log));

#nullable disable
    public async Task<object> ExecuteCommand(int command, object arg)
    {
        if (command != AskCommand || arg is not StreamId id)
        {
            throw new ArgumentException($"Stream provider '{Name}' has no command {command}.", nameof(command));
        }

        StreamDefinition stream = catalog.Find(id);
        int index = KeyHash.PartitionOf(KeyHash.Compute(catalog.KeyOf(stream, id)), stream.PartitionCount);
        bool served = hub?.Find(PartitionId.Of(stream, index)) is not null;
        if (served && _queues.TryGetValue(StreamCatalog.QueueOf(stream, index), out PartitionQueue queue))
        {
            queue.Ask(id, await CountAsync(id));
        }

        return served;
    }

    /// <summary>The explicit subscriptions of a stream, as the registry has them.</summary>
    private async Task<int> CountAsync(StreamId id) =>
        services.GetService<IStreamSubscriptionManagerAdmin>() is { } admin
            ? (await admin.GetStreamSubscriptionManager(StreamSubscriptionManagerType.ExplicitSubscribeOnly).GetSubscriptions(Name, id)).Count()
            : 0;
#nullable restore

    /// <summary>Nothing is received any more: agents can stop at once.</summary>
    public void Stop()
    {
        foreach (PartitionQueue queue in _queues.Values)
        {
            queue.Stop();
        }
    }

    private void Wake()
    {
        foreach (PartitionQueue queue in _queues.Values)
        {
            queue.Wake();
        }
    }
}

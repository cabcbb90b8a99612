using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Providers.Streams.Common;
using Orleans.Streams;
using OrleansStreaming;
using OrleansStreaming.Clustering;
using OrleansStreaming.Engine;

namespace Orleans.Hosting;

/// <summary>Lets every grain and client subscribe to the streams of the engine, and publish to them, with Orleans' own API.</summary>
public static class StreamingProviderExtensions
{
    /// <summary>
    /// Adds a stream provider over the log of the engine that <c>AddStreaming</c> adds. A stream's namespace is the name of a
    /// declared stream, its key that of the events. Explicit subscriptions need a grain storage named <c>PubSubStore</c>.
    /// </summary>
    /// <param name="builder">The silo.</param>
    /// <param name="name">The provider's name; how far its subscribers are is stored under it.</param>
    /// <param name="options">Options of the provider.</param>
    /// <param name="configure">Orleans' own settings of stream providers.</param>
    public static ISiloBuilder AddStreamingProvider(
        this ISiloBuilder builder, string name, Action<StreamingProviderOptions>? options = null, Action<ISiloPersistentStreamConfigurator>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(name);
        IServiceCollection services = builder.Services;
        services.AddOptions<StreamingProviderOptions>(name)
            .Bind(builder.Configuration.GetSection($"Streaming:Providers:{name}"))
            .Configure(o => options?.Invoke(o))
            .ValidateDataAnnotations()
            .Validate(o => o.SlowAfter > TimeSpan.Zero && o.SettleAfter >= TimeSpan.Zero, "SlowAfter must be above zero; SettleAfter not below.")
            .Validate(o => o.ReceiveWait >= TimeSpan.Zero && o.ReceiveWait <= TimeSpan.FromSeconds(30), "ReceiveWait must be from zero to 30 s.");
        services.AddKeyedSingleton<FeedHub>(name);
        services.AddKeyedSingleton(name, (s, _) => new StreamCatalog(name, s.GetRequiredService<StreamingEngine>().Topology, [.. Options(s, name).Streams]));
        services.AddKeyedSingleton<IPublishing>(name, (s, _) => new EnginePublishing(s.GetRequiredKeyedService<StreamCatalog>(name), s.GetRequiredService<StreamingEngine>()));
        services.AddKeyedSingleton(name, (s, _) => StreamingAdapter.OnSilo(s, name));
        services.AddSingleton(s => new TopologyExtension(topology =>
            topology.AddFeed(name, Options(s, name).Streams is { Count: > 0 } streams ? [.. streams] : null, each => each.GetRequiredKeyedService<FeedHub>(name))));
        services.AddSingleton<IConfigurationValidator>(s => new ProviderValidator(s, name));
        services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>>(s => new ProviderLifecycle(s, name));
        return builder.AddPersistentStreams(name, (s, n) => s.GetRequiredKeyedService<StreamingAdapter>(n), provider =>
        {
            // A receiver waits for events itself: the timer has only to ask again.
            provider.ConfigurePullingAgent(o => o.Configure(agent => agent.GetQueueMsgsTimerPeriod = TimeSpan.FromMilliseconds(10)));
            provider.ConfigurePartitionBalancing((s, n) => new QueueBalancer(s.GetRequiredKeyedService<FeedHub>(n), LogOf(s)));
            configure?.Invoke(provider);
        });
    }

    /// <summary>Adds the client's side of a stream provider: it publishes through a silo; its subscriptions are Orleans' own.</summary>
    /// <param name="builder">The client.</param>
    /// <param name="name">The provider's name on the silos.</param>
    /// <param name="streams">Declares the streams that the client uses, with the same names, types, keys and serialisers as the silos do.</param>
    public static IClientBuilder AddStreamingProvider(this IClientBuilder builder, string name, Action<StreamingBuilder> streams)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(streams);
        var declared = new StreamingBuilder();
        streams(declared);
        var catalog = new StreamCatalog(name, declared.Build(), []);
        builder.Services.AddKeyedSingleton(name, catalog);
        return builder.AddPersistentStreams(name, (s, n) => StreamingAdapter.OnClient(s, n), _ => { });
    }

    /// <summary>
    /// Has subscriptions that were made or resumed with a token served although their stream has no new events. Orleans asks
    /// a subscriber where it wants to begin only when an event of its stream comes; this asks at once.
    /// </summary>
    /// <param name="grains">The client or a grain's factory.</param>
    /// <param name="provider">The provider's name.</param>
    /// <param name="stream">The stream.</param>
    /// <exception cref="InvalidOperationException">No silo serves the partition of the stream at the moment; try again.</exception>
    public static async Task CatchUpAsync(this IGrainFactory grains, string provider, StreamId stream)
    {
        ArgumentNullException.ThrowIfNull(grains);
        var served = await grains.GetGrain<IManagementGrain>(0)
            .SendControlCommandToProvider<PersistentStreamProvider>(provider, StreamingAdapter.AskCommand, stream)!;
        if (!served.Contains(true))
        {
            throw new InvalidOperationException($"No silo serves the partition of stream {stream} at the moment: it is being moved or recovered. Try again.");
        }
    }

    private static StreamingProviderOptions Options(IServiceProvider services, string name) => services.GetRequiredService<IOptionsMonitor<StreamingProviderOptions>>().Get(name);

    private static ProviderLog LogOf(IServiceProvider services) =>
        new(services.GetRequiredService<Microsoft.Extensions.Logging.ILoggerFactory>().CreateLogger("OrleansStreaming.Provider"));
}

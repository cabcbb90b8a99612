using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using OrleansStreaming.Core;

namespace OrleansStreaming.Engine;

/// <summary>What a part of the application adds to the topology that the user declares. Registered as a service.</summary>
/// <param name="Extend">Declares it.</param>
internal sealed record TopologyExtension(Action<StreamingBuilder> Extend);

/// <summary>What every kind of engine registers.</summary>
internal static class EngineServices
{
    /// <summary>Adds the engine; who adds it also registers an <see cref="ICluster"/>, and starts and stops it.</summary>
    /// <param name="services">Those of the host.</param>
    /// <param name="configuration">Its configuration.</param>
    /// <param name="openStorage">Opens the storage, which the engine then disposes.</param>
    /// <param name="configure">Declares the topology.</param>
    /// <param name="options">Options in code.</param>
    public static void AddEngine(
        this IServiceCollection services, IConfiguration configuration, StorageFactory openStorage, Action<StreamingBuilder> configure, Action<StreamingOptions>? options)
    {
        if (services.Any(s => s.ServiceType == typeof(StreamingEngine)))
        {
            throw new InvalidOperationException("AddStreaming was called twice: declare everything in one call.");
        }

        var topology = new StreamingBuilder(services);
        configure(topology);
        services.AddOptions<StreamingOptions>()
            .Bind(configuration.GetSection("Streaming"))
            .Configure(o => options?.Invoke(o))
            .ValidateDataAnnotations()
            .Validate(o => o.CheckpointEvery > TimeSpan.Zero && o.RecoveryTarget > TimeSpan.Zero && o.FlushEvery >= TimeSpan.Zero && o.RestartDelay >= TimeSpan.Zero && o.RequestTimeout > TimeSpan.Zero, "CheckpointEvery, RecoveryTarget and RequestTimeout must be above zero; FlushEvery and RestartDelay not below.")
            .ValidateOnStart();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(provider => new StreamingEngine(
            Extend(topology, provider).Build(),
            provider.GetRequiredService<IOptions<StreamingOptions>>().Value,
            provider.GetRequiredService<ICluster>(),
            cancel => openStorage(provider, cancel),
            provider,
            provider.GetRequiredService<ILoggerFactory>(),
            provider.GetRequiredService<TimeProvider>()));
        services.AddMetrics();
        services.AddSingleton<StreamingMetrics>();
    }

    private static StreamingBuilder Extend(StreamingBuilder topology, IServiceProvider provider)
    {
        foreach (TopologyExtension extension in provider.GetServices<TopologyExtension>())
        {
            extension.Extend(topology);
        }

        return topology;
    }
}

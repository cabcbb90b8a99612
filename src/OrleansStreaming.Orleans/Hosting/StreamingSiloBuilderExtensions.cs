using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Orleans.Runtime.Hosting;
using OrleansStreaming;
using OrleansStreaming.Clustering;
using OrleansStreaming.Engine;

namespace Orleans.Hosting;

/// <summary>Adds the Orleans engine to a silo.</summary>
public static class StreamingSiloBuilderExtensions
{
    /// <summary>
    /// Adds the Orleans engine: the partitions of all streams are spread over the silos of the cluster and follow its
    /// membership. Every silo declares the same. It starts and stops with the silo; a topology with mistakes, or one that does
    /// not fit the stored deployment, keeps the silo from starting.
    /// </summary>
    /// <param name="builder">The silo.</param>
    /// <param name="configure">Declares streams, operators, sinks, sources and storage, which all silos reach.</param>
    /// <param name="options">Options of the engine; they are also bound from the configuration section <c>Streaming</c>. <see cref="StreamingOptions.Silos"/> does not count: a process is one silo.</param>
    public static ISiloBuilder AddStreaming(this ISiloBuilder builder, Action<StreamingBuilder> configure, Action<StreamingOptions>? options = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);
        builder.Services.AddEngine(builder.Configuration, static (services, cancel) => services.GetRequiredService<SharedStorage>().LeaseAsync(cancel), configure, options);
        builder.Services.TryAddSingleton<SharedStorage>();
        builder.Services.AddSingleton<SiloServiceClient>();
        builder.Services.AddSingleton<OrleansCluster>();
        builder.Services.AddSingleton<ICluster>(services => services.GetRequiredService<OrleansCluster>());
        builder.Services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>, EngineLifecycle>();
        builder.AddGrainService<SiloService>();
        builder.Services.AddSingleton<TurnCalls>();
        builder.Services.AddSingleton<GrainHosting>();
        builder.AddPlacementDirector<BesidePartition, BesidePartitionDirector>();
        builder.AddGrainDirectory(OpenDirectory.Name, static (_, _) => new OpenDirectory());
        return builder;
    }
}

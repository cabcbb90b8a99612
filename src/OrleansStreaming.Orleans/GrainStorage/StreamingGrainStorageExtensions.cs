using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Orleans.Runtime.Hosting;
using Orleans.Storage;
using OrleansStreaming;
using OrleansStreaming.Clustering;

namespace Orleans.Hosting;

/// <summary>Keeps states of grains in the storage that the application streams to.</summary>
public static class StreamingGrainStorageExtensions
{
    /// <summary>
    /// Adds grain storage in the storage that the application streams to, one record per state. Meant for <c>PubSubStore</c>,
    /// the registry of explicit subscriptions, and for states that change seldom: every write is one request to the storage.
    /// A state that was cleared leaves a small record for ever.
    /// </summary>
    /// <remarks>States are written by the <see cref="IGrainStorageSerializer"/> that is registered with the same name as key, or else by the one of Orleans.</remarks>
    /// <param name="builder">The silo.</param>
    /// <param name="name">The name by which grains ask for it, such as <c>PubSubStore</c>.</param>
    /// <param name="storage">Chooses the storage; without it, that of <c>AddStreaming</c> is used.</param>
    public static ISiloBuilder AddStreamingGrainStorage(this ISiloBuilder builder, string name, Action<StreamingBuilder>? storage = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(name);
        storage?.Invoke(new StreamingBuilder(builder.Services));
        builder.Services.TryAddSingleton<SharedStorage>();
        builder.Services.AddGrainStorage(name, static (services, name) => ActivatorUtilities.CreateInstance<StreamingGrainStorage>(
            services, name, services.GetKeyedService<IGrainStorageSerializer>(name) ?? services.GetRequiredService<IGrainStorageSerializer>()));
        return builder;
    }
}

using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using OrleansStreaming;
using OrleansStreaming.Core;
using OrleansStreaming.Embedded;
using OrleansStreaming.Engine;

namespace Microsoft.Extensions.Hosting;

/// <summary>Adds the embedded engine to a host.</summary>
public static class StreamingHostExtensions
{
    /// <summary>
    /// Adds the embedded engine: silos inside this process. It starts with the host; a topology with mistakes, or one that
    /// does not fit the stored deployment, keeps the host from starting.
    /// </summary>
    /// <param name="builder">The host.</param>
    /// <param name="configure">Declares streams, operators, sinks, sources and storage.</param>
    /// <param name="options">Options of the engine; they are also bound from the configuration section <c>Streaming</c>.</param>
    public static IHostApplicationBuilder AddStreaming(this IHostApplicationBuilder builder, Action<StreamingBuilder> configure, Action<StreamingOptions>? options = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);
        builder.Services.AddEngine(builder.Configuration, OpenStorageAsync, configure, options);
        builder.Services.AddSingleton<ICluster>(provider => new LocalCluster(provider.GetRequiredService<IOptions<StreamingOptions>>().Value.Silos));
        builder.Services.AddHostedService<StreamingService>();
        return builder;
    }

    private static ValueTask<IStorage> OpenStorageAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        StorageFactory open = services.GetService<StorageFactory>()
            ?? throw new InvalidOperationException("No storage is configured. Add one in AddStreaming, such as .UseFiles(\"data\").");
        return open(services, cancellationToken);
    }

    /// <summary>Starts and stops the engine with the host.</summary>
    private sealed class StreamingService(StreamingEngine engine, StreamingMetrics metrics) : IHostedService
    {
        private readonly StreamingMetrics _metrics = metrics; // Observed from now on.

        public Task StartAsync(CancellationToken cancellationToken) => engine.StartAsync(cancellationToken);

        public Task StopAsync(CancellationToken cancellationToken) => engine.StopAsync(cancellationToken);
    }
}

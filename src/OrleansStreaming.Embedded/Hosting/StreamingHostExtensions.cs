using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using OrleansStreaming;
using OrleansStreaming.Core;
using OrleansStreaming.Embedded;
using OrleansStreaming.Topologies;

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
        IServiceCollection services = builder.Services;
        if (services.Any(s => s.ServiceType == typeof(StreamingEngine)))
        {
            throw new InvalidOperationException("AddStreaming was called twice: declare everything in one call.");
        }

        var topology = new StreamingBuilder(services);
        configure(topology);
        services.AddOptions<StreamingOptions>()
            .Bind(builder.Configuration.GetSection("Streaming"))
            .Configure(o => options?.Invoke(o))
            .ValidateDataAnnotations()
            .Validate(o => o.CheckpointEvery > TimeSpan.Zero && o.RecoveryTarget > TimeSpan.Zero && o.FlushEvery >= TimeSpan.Zero && o.RestartDelay >= TimeSpan.Zero && o.RequestTimeout > TimeSpan.Zero, "CheckpointEvery, RecoveryTarget and RequestTimeout must be above zero; FlushEvery and RestartDelay not below.")
            .ValidateOnStart();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(provider => new StreamingEngine(
            topology.Build(),
            provider.GetRequiredService<IOptions<StreamingOptions>>().Value,
            cancel => (provider.GetService<StorageFactory>() ?? throw new InvalidOperationException(
                "No storage is configured. Add one in AddStreaming, such as .UseFiles(\"data\")."))(provider, cancel),
            provider,
            provider.GetRequiredService<ILoggerFactory>(),
            provider.GetRequiredService<TimeProvider>()));
        services.AddMetrics();
        services.AddSingleton<StreamingMetrics>();
        services.AddHostedService<StreamingService>();
        return builder;
    }

    /// <summary>Starts and stops the engine with the host.</summary>
    private sealed class StreamingService(StreamingEngine engine, StreamingMetrics metrics) : IHostedService
    {
        private readonly StreamingMetrics _metrics = metrics; // Observed from now on.

        public Task StartAsync(CancellationToken cancellationToken) => engine.StartAsync(cancellationToken);

        public Task StopAsync(CancellationToken cancellationToken) => engine.StopAsync(cancellationToken);
    }
}

using Microsoft.Extensions.Diagnostics.HealthChecks;
using OrleansStreaming.AspNetCore;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds streaming to the application's health checks.</summary>
public static class StreamingHealthCheckExtensions
{
    /// <summary>Checks whether the engine can work: healthy, degraded while something needs attention, or unhealthy.</summary>
    /// <param name="builder">The health checks.</param>
    /// <param name="name">The name of the check.</param>
    /// <param name="failureStatus">What an engine that is not ready counts as. Default: unhealthy.</param>
    /// <param name="tags">For selecting checks.</param>
    public static IHealthChecksBuilder AddStreamingCheck(
        this IHealthChecksBuilder builder, string name = "streaming", HealthStatus? failureStatus = null, IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.AddCheck<StreamingHealthCheck>(name, failureStatus, tags ?? []);
    }
}

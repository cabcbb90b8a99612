using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace OrleansStreaming.AspNetCore;

/// <summary>Says whether the engine can work.</summary>
internal sealed class StreamingHealthCheck(StreamingEngine engine) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        EngineHealth health = await engine.GetHealthAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
        string[] problems =
        [
            .. health.Problems,
            .. health.Sinks.Select(s => $"sink {s.Sink} of {s.Partition} is {s.State}: {s.Error}"),
            .. health.StuckTurns.Select(t => $"a turn of {t.Operator}, key {t.Key}, has been running for {t.RunningMs} ms"),
        ];
        string? text = problems.Length == 0 ? null : string.Join("; ", problems);
        return !health.Ready ? new HealthCheckResult(context.Registration.FailureStatus, text)
            : problems.Length > 0 ? HealthCheckResult.Degraded(text)
            : HealthCheckResult.Healthy();
    }
}

using Microsoft.Extensions.Logging;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>Hands a silo's log to the trace and to the checker that looks for what must never be there.</summary>
internal sealed class FaultLogger(SimulatedWorld world, SimulatedSilo silo) : ILogger
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => world.Tracing || logLevel >= LogLevel.Warning;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        world.Trace($"{silo.Label}   log {formatter(state, exception)}{(exception is null ? "" : $" [{exception.GetType().Name}: {exception.Message}]")}");
        world.Oracle.Retention.Logged(silo, eventId.Id, exception, () => formatter(state, exception));
    }
}

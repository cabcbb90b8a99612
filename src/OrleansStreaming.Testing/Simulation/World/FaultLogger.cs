using Microsoft.Extensions.Logging;
using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>Reads a silo's log for what must never be there.</summary>
internal sealed class FaultLogger(SimulatedWorld world, SimulatedSilo silo) : ILogger
{
    private const int ReadFailed = 1013;
    private const int OpenFailed = 1031;
    private const int SinkLostPosition = 1053;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (world.Tracing)
        {
            world.Trace($"{silo.Label}   log {formatter(state, exception)}{(exception is null ? "" : $" [{exception.GetType().Name}: {exception.Message}]")}");
        }

        // One that is taken for dead may find that others have deleted what it would still read.
        bool stale = silo.DeclaredDead || !silo.Runs;
        bool missing = eventId.Id == OpenFailed || (eventId.Id == ReadFailed && exception?.Message.Contains("still needed", StringComparison.Ordinal) == true);
        if (!stale && missing && exception is CorruptDataException)
        {
            world.Fail("I7", $"{silo.Label}: {formatter(state, exception)}: {exception.Message}");
        }

        if (!stale && eventId.Id == SinkLostPosition)
        {
            world.Fail("I7", $"{silo.Label}: {formatter(state, exception)}");
        }
    }
}

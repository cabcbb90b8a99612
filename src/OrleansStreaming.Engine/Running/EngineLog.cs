using Microsoft.Extensions.Logging;

namespace OrleansStreaming;

/// <summary>What the engine logs. Event ids are stable: docs/operations.md lists them.</summary>
public sealed partial class StreamingEngine
{
    internal void LogRestart(string silo, string reason, TimeSpan delay) => SiloRestarts(_logger, silo, reason, delay.TotalMilliseconds);

    internal void LogLoopFailed(string silo, Exception error) => LoopFailed(_logger, silo, error);

    internal void LogSourceFailed(string source, double delayMs, Exception error) => SourceFailed(_logger, source, delayMs, error);

    internal void LogSourceCompleted(string source, long position) => SourceCompleted(_logger, source, position);

    internal void LogSourceStarted(string source, long after) => SourceStarted(_logger, source, after);

    [LoggerMessage(2000, LogLevel.Warning, "Silo {Silo} is gone ({Reason}); it starts again in {DelayMs} ms")]
    private static partial void SiloRestarts(ILogger logger, string silo, string reason, double delayMs);

    internal void LogLoopBlocked(string silo, string @operator, string offset, double seconds) => LoopBlocked(_logger, silo, @operator, offset, seconds);

    [LoggerMessage(2002, LogLevel.Error, "A turn of operator {Operator} at {Offset} has blocked the thread of silo {Silo} for {Seconds} s. The silo starts over, and turns of {Operator} run on other threads from now on. Use await instead of blocking")]
    private static partial void LoopBlocked(ILogger logger, string silo, string @operator, string offset, double seconds);

    [LoggerMessage(2001, LogLevel.Critical, "The loop of silo {Silo} failed; this is a bug, please report it")]
    private static partial void LoopFailed(ILogger logger, string silo, Exception error);

    [LoggerMessage(2010, LogLevel.Warning, "Source {Source} failed; it is read again in {DelayMs} ms")]
    private static partial void SourceFailed(ILogger logger, string source, double delayMs, Exception error);

    [LoggerMessage(2011, LogLevel.Information, "Source {Source} has reached its end at position {Position}; all of it is stored")]
    private static partial void SourceCompleted(ILogger logger, string source, long position);

    [LoggerMessage(2012, LogLevel.Information, "Source {Source} is read from behind position {After}")]
    private static partial void SourceStarted(ILogger logger, string source, long after);

    [LoggerMessage(2020, LogLevel.Warning, "The engine stops after {Seconds} s although it could not {Step}: {Why}. The next start recovers it")]
    private static partial void NotDrained(ILogger logger, double seconds, string step, string why);

    [LoggerMessage(2030, LogLevel.Information, "Deployment {Deployment}: {Change}")]
    internal static partial void DeploymentChanged(ILogger logger, string deployment, string change);
}

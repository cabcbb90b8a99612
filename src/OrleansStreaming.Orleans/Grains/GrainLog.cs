using Microsoft.Extensions.Logging;

namespace OrleansStreaming.Clustering;

/// <summary>What the engine logs about grains of operators. Event ids are stable: docs/operations.md lists them.</summary>
internal static partial class GrainLog
{
    [LoggerMessage(3300, LogLevel.Debug, "A turn could not be sent to the grain of operator {Operator}, key {Key}; it is sent again")]
    public static partial void NotReached(ILogger logger, string @operator, string key, Exception error);

    [LoggerMessage(3301, LogLevel.Warning, "A turn has not reached the grain of operator {Operator}, key {Key}, though it was sent {Attempts} times; it is sent again")]
    public static partial void StillNotReached(ILogger logger, string @operator, string key, int attempts);
}

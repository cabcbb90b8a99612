using Microsoft.Extensions.Logging;

namespace OrleansStreaming.Clustering;

/// <summary>What the engine logs about other silos. Event ids are stable: docs/operations.md lists them.</summary>
internal static partial class ClusterLog
{
    [LoggerMessage(3000, LogLevel.Debug, "A call to silo {Silo} failed; it is tried again if need be")]
    public static partial void CallFailed(ILogger logger, SiloAddress silo, Exception error);

    [LoggerMessage(3001, LogLevel.Information, "Silos that take part: {Silos}; journals to be sealed: {Dead}")]
    public static partial void MembersChanged(ILogger logger, string silos, int dead);

    [LoggerMessage(3002, LogLevel.Error, "Membership could not be read; it is tried again")]
    public static partial void MembershipFailed(ILogger logger, Exception error);
}

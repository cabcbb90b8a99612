using System.Diagnostics;

namespace OrleansStreaming;

/// <summary>The names under which streaming can be observed, for <c>AddMeter</c> and <c>AddSource</c> of OpenTelemetry.</summary>
public static class StreamingDiagnostics
{
    /// <summary>The name of the meter.</summary>
    public const string MeterName = "OrleansStreaming";

    /// <summary>The name of the source of activities.</summary>
    public const string ActivitySourceName = "OrleansStreaming";

    internal const string SystemName = "orleansstreaming";

    internal static ActivitySource Activities { get; } = new(ActivitySourceName);
}

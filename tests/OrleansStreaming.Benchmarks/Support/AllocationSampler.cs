using System.Collections.Concurrent;
using System.Diagnostics.Tracing;
using System.Globalization;
using System.Numerics;

namespace OrleansStreaming.Benchmarks;

/// <summary>Which types the process allocates: the runtime names one allocation in about every 100 KB.</summary>
internal sealed class AllocationSampler : EventListener
{
    private const EventKeywords Collector = (EventKeywords)1;
    private readonly ConcurrentDictionary<string, long> _bytes = new();

    /// <summary>The types that take most, with their bytes since the start.</summary>
    public IReadOnlyList<(string Type, long Bytes)> Top(int count) => [.. _bytes.OrderByDescending(b => b.Value).Take(count).Select(b => (b.Key, b.Value))];

    protected override void OnEventSourceCreated(EventSource eventSource)
    {
        if (eventSource.Name == "Microsoft-Windows-DotNETRuntime")
        {
            EnableEvents(eventSource, EventLevel.Verbose, Collector);
        }
    }

    protected override void OnEventWritten(EventWrittenEventArgs eventData)
    {
        if (eventData.EventName is { } name && name.StartsWith("GCAllocationTick", StringComparison.Ordinal) && eventData.PayloadNames is { } fields && eventData.Payload is { } payload)
        {
            string type = payload[fields.IndexOf("TypeName")] as string ?? "?";
            if (type.EndsWith("[]", StringComparison.Ordinal) && fields.IndexOf("ObjectSize") is >= 0 and int size)
            {
                type += $" of about {BitOperations.RoundUpToPowerOf2(Convert.ToUInt64(payload[size], CultureInfo.InvariantCulture)):N0} bytes";
            }

            long bytes = Convert.ToInt64(payload[fields.IndexOf("AllocationAmount64")], CultureInfo.InvariantCulture);
            _bytes.AddOrUpdate(type, bytes, (_, sum) => sum + bytes);
        }
    }
}

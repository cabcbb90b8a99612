using System.Diagnostics.Metrics;

namespace OrleansStreaming.Storage.Azure;

/// <summary>Counts requests by kind, for whoever looks and as a metric.</summary>
internal sealed class RequestCounter : IDisposable
{
    private static readonly RequestKind[] Kinds = Enum.GetValues<RequestKind>();

    private readonly long[] _counts = new long[Kinds.Length];
    private readonly Meter _meter;

    public RequestCounter(IMeterFactory? meters)
    {
        // The meter that the engine has, too: who listens to the one hears both.
        _meter = meters?.Create(MeterName) ?? new Meter(MeterName);
        _meter.CreateObservableCounter("streaming.storage.requests", Observe, "{request}", "Requests to blob storage, by kind.");
    }

    public const string MeterName = "OrleansStreaming";

    public void Add(RequestKind kind) => Interlocked.Increment(ref _counts[(int)kind]);

    public long this[RequestKind kind] => Interlocked.Read(ref _counts[(int)kind]);

    public IReadOnlyDictionary<RequestKind, long> ToDictionary() => Kinds.ToDictionary(k => k, k => this[k]);

    public void Dispose() => _meter.Dispose();

    private IEnumerable<Measurement<long>> Observe() =>
        Kinds.Select(k => new Measurement<long>(this[k], new KeyValuePair<string, object?>("streaming.storage.request", k.ToString().ToLowerInvariant())));
}

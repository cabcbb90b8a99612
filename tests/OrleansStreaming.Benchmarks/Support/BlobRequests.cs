using OrleansStreaming.Storage.Azure;

namespace OrleansStreaming.Benchmarks;

/// <summary>Requests to blob storage in a stretch of time, and what Azure takes for them.</summary>
internal sealed record BlobRequests(IReadOnlyDictionary<RequestKind, long> Counts)
{
    // The order of magnitude of a zone-redundant account, hot, in US dollars; the prices of regions differ.
    private const double PerWrite = 0.065 / 10_000, PerRead = 0.005 / 10_000;

    public long All => Counts.Values.Sum();

    public double Dollars => Counts.Sum(c => c.Value * c.Key switch
    {
        RequestKind.Read or RequestKind.Look => PerRead,
        RequestKind.Delete => 0,
        _ => PerWrite,
    });

    /// <summary>Requests for so many events, for people.</summary>
    public string Per(long events) => $"{All * 1e6 / events:N0} requests (USD {Dollars * 1e6 / events:N4}) per million events: {this}";

    public override string ToString() => string.Join(", ", Counts.Where(c => c.Value > 0).Select(c => $"{c.Value} {c.Key.ToString().ToLowerInvariant()}"));

    public BlobRequests Since(BlobRequests before) => new(Counts.ToDictionary(c => c.Key, c => c.Value - before.Counts[c.Key]));
}

using System.Globalization;
using System.Text;
using Flights;
using OrleansStreaming;

namespace FlightBoard;

/// <summary>What a run came to.</summary>
internal sealed record Summary(long Flights, TimeSpan Took, EngineTotals Totals, int Airports, int Routes, IReadOnlyList<Rollback> Rollbacks, string Digest)
{
    private const int ReasonsShown = 3;

    /// <summary>Takes the figures of an engine that has nothing left to do.</summary>
    public static async Task<Summary> TakeAsync(StreamingEngine engine, long flights, TimeSpan took, CancellationToken cancellationToken)
    {
        using var digest = new StateDigest();
        int airports = await AddStatesAsync(engine, digest, nameof(AirportDelays), cancellationToken);
        int routes = await AddStatesAsync(engine, digest, nameof(RouteDelays), cancellationToken);
        return new Summary(flights, took, engine.GetTotals(), airports, routes, engine.GetRollbacks(), digest.Take());
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        var text = new StringBuilder();
        Line("events", $"{Flights:N0} flights in {Took.TotalSeconds:0.0} s ({Totals.Ingested / Math.Max(0.001, Took.TotalSeconds):N0}/s); {Totals.Events:N0} turns, repeats after failures included");
        Line("grains", $"{Airports:N0} airports, {Routes:N0} routes");
        Line("checkpoints", $"{Totals.Checkpoints:N0}");
        Line("latency", $"p50 {Totals.P50Micros / 1000.0:0.0} ms, p99 {Totals.P99Micros / 1000.0:0.0} ms from ingest to sink");
        Line("failures", Rollbacks.Count == 0 ? "none" : $"{Rollbacks.Count}; {Rollbacks.Sum(r => r.RolledBackGrains)} grains of other silos rolled back");
        if (Rollbacks.Where(r => r.LostRecords is null).ToList() is { Count: > 0 } earlier)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"  an earlier process ended without stopping: {earlier.Count} journals sealed, {earlier.Max(r => r.ReplayedEvents):N0} events replayed in {earlier.Max(r => r.RecoveredMs)} ms");
        }

        foreach (Rollback rollback in Rollbacks.Where(r => r.LostRecords is not null))
        {
            text.Append("  ").AppendLine(Describe(rollback));
            foreach (RolledBack grain in rollback.Grains.Take(ReasonsShown))
            {
                text.Append("    ").AppendLine(Describe(grain));
            }

            if (rollback.RolledBackGrains > ReasonsShown)
            {
                text.AppendLine(CultureInfo.InvariantCulture, $"    and {rollback.RolledBackGrains - ReasonsShown} more");
            }
        }

        return text.Append("digest: ").Append(Digest).ToString();

        void Line(string name, string value) => text.AppendLine(CultureInfo.InvariantCulture, $"{name,-12} {value}");
    }

    private static string Describe(Rollback rollback) => string.Create(
        CultureInfo.InvariantCulture,
        $"{rollback.Silo} ({rollback.Journal}): {rollback.LostRecords:N0} records lost with it; {rollback.RolledBackGrains:N0} grains of others rolled back, {rollback.ReactivatedGrains:N0} brought back from checkpoints, {rollback.ReplayedEvents:N0} events replayed in {rollback.RecoveredMs} ms");

    private static string Describe(RolledBack grain) =>
        $"{grain.Operator} {grain.Key} on {grain.By} went back from {grain.From}: it depended on {grain.LostRecord}{(grain.Because is { } because ? $", because of {because}" : "")}";

    private static async Task<int> AddStatesAsync(StreamingEngine engine, StateDigest digest, string @operator, CancellationToken cancellationToken)
    {
        var states = new Dictionary<string, string>();
        await foreach (GrainState state in engine.GetStatesAsync(@operator, stable: true, cancellationToken))
        {
            states.Add(state.Key, Encoding.UTF8.GetString(state.Json.Span));
        }

        digest.Add(@operator, states);
        return states.Count;
    }
}

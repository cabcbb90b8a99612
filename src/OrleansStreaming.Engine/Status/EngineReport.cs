using System.Text.Json;
using System.Text.Json.Serialization;

namespace OrleansStreaming.Engine;

/// <summary>What one process tells about itself; of several, what they tell together.</summary>
internal sealed record EngineReport(EngineHealth Health, IReadOnlyList<SiloStatus> Silos, EngineTotals Totals, IReadOnlyList<Rollback> Rollbacks)
{
    public static byte[] ToBytes(EngineReport report) => JsonSerializer.SerializeToUtf8Bytes(report, EngineReportJson.Default.EngineReport);

    public static EngineReport Parse(ReadOnlySpan<byte> bytes) =>
        JsonSerializer.Deserialize(bytes, EngineReportJson.Default.EngineReport) ?? throw new InvalidDataException("a silo reported nothing");

    /// <summary>All reports as one. Percentiles cannot be added: the highest stands for all.</summary>
    public static EngineReport Combine(IReadOnlyList<EngineReport> reports) => reports.Count == 1 ? reports[0] : new(
        new EngineHealth(
            reports.All(r => r.Health.Ready),
            [.. reports.SelectMany(r => r.Health.Problems).Distinct()],
            [.. reports.SelectMany(r => r.Health.Sinks)],
            [.. reports.SelectMany(r => r.Health.StuckTurns)]),
        [.. reports.SelectMany(r => r.Silos).OrderBy(s => s.Name, StringComparer.Ordinal)],
        new EngineTotals(
            reports.Sum(r => r.Totals.Ingested),
            reports.Sum(r => r.Totals.Events),
            reports.Sum(r => r.Totals.Released),
            reports.Sum(r => r.Totals.Grains),
            reports.Sum(r => r.Totals.Checkpoints),
            reports.Sum(r => r.Totals.RolledBack),
            reports.Max(r => r.Totals.P50Micros),
            reports.Max(r => r.Totals.P99Micros)),
        [.. reports.SelectMany(r => r.Rollbacks).GroupBy(r => r.SealVersion).OrderBy(g => g.Key).Select(Combine)]);

    /// <summary>What several processes did about one failure.</summary>
    private static Rollback Combine(IEnumerable<Rollback> parts)
    {
        Rollback[] all = [.. parts.OrderBy(r => r.Time)];
        return all[0] with
        {
            LostRecords = all.Max(r => r.LostRecords),
            RolledBackGrains = all.Sum(r => r.RolledBackGrains),
            ReactivatedGrains = all.Sum(r => r.ReactivatedGrains),
            ReplayedEvents = all.Sum(r => r.ReplayedEvents),
            TakenOverPartitions = all.Sum(r => r.TakenOverPartitions),
            RecoveredMs = Array.Exists(all, r => r.RecoveredMs is null) ? null : all.Max(r => r.RecoveredMs),
            Grains = [.. all.SelectMany(r => r.Grains)],
        };
    }
}

[JsonSerializable(typeof(EngineReport))]
internal sealed partial class EngineReportJson : JsonSerializerContext;

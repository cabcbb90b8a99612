using OrleansStreaming.Engine;

namespace OrleansStreaming;

/// <summary>Reports: of this process, and of all.</summary>
public sealed partial class StreamingEngine
{
    /// <summary>What this process tells about itself.</summary>
    internal async Task<EngineReport> ReportAsync() =>
        new(await GetHealthAsync().ConfigureAwait(false), await GetSilosAsync().ConfigureAwait(false), GetTotals(), GetRollbacks());

    /// <summary>What all processes tell.</summary>
    internal async Task<EngineReport> ReportOfAllAsync()
    {
        IReadOnlyList<EngineReport> others = await _cluster.AskOthersAsync().ConfigureAwait(false);
        return EngineReport.Combine([await ReportAsync().ConfigureAwait(false), .. others]);
    }
}

using System.Diagnostics;
using OrleansStreaming.Engine;

namespace OrleansStreaming;

/// <summary>A recovery as an activity, for those who listen.</summary>
public sealed partial class StreamingEngine
{
    private static readonly TimeSpan TraceStep = TimeSpan.FromMilliseconds(20);

    /// <summary>Follows the recovery from the end of an incarnation until every silo has caught up.</summary>
    internal void TraceRecovery(SiloIncarnation ended)
    {
        if (ended.Silo.Journal.Id >= 0 && !Stopping.IsCancellationRequested && StreamingDiagnostics.Activities.HasListeners())
        {
            _ = TraceAsync(ended.Silo.Name, ended.Silo.Journal.Name);
        }
    }

    private async Task TraceAsync(string silo, string journal)
    {
        using Activity? activity = StreamingDiagnostics.Activities.CreateActivity("recover " + silo, ActivityKind.Internal, default(ActivityContext))?.Start();
        activity?.SetTag("streaming.silo.name", silo).SetTag("streaming.journal", journal);
        try
        {
            Rollback? found = null;
            while (found?.RecoveredMs is null)
            {
                await Task.Delay(TraceStep, _time, Stopping).ConfigureAwait(false);
                found = GetRollbacks().LastOrDefault(r => r.Journal == journal);
            }

            activity?.SetTag("streaming.grains.rolled_back", found.RolledBackGrains)
                .SetTag("streaming.partitions.taken_over", found.TakenOverPartitions)
                .SetTag("streaming.events.replayed", found.ReplayedEvents)
                .SetTag("streaming.records.lost", found.LostRecords);
        }
        catch (OperationCanceledException)
        {
            activity?.SetStatus(ActivityStatusCode.Error, "the engine stopped before everything had recovered");
        }
    }
}

using System.Globalization;
using System.Text;
using OrleansStreaming;

namespace FlightCluster.Drive;

/// <summary>Lays out what a failure undid, as people read it.</summary>
internal static class BlastRadius
{
    private const int ReasonsShown = 3;

    /// <summary>A failure and all that followed from it.</summary>
    public static string Describe(Rollback rollback)
    {
        var text = new StringBuilder();
        Line("journal", $"{rollback.Journal}, sealed behind record {rollback.SealedAt:N0}: what {rollback.Silo} had written after it never happened");
        Line("taken over", $"{rollback.TakenOverPartitions} partitions, with {rollback.ReactivatedGrains:N0} grains from checkpoints and {rollback.ReplayedEvents:N0} events processed again");
        Line("rolled back", rollback.RolledBackGrains == 0
            ? "no grain of another silo: none depended on a lost record"
            : $"{rollback.RolledBackGrains:N0} live grains of other silos depended on lost records and went back");
        foreach (RolledBack grain in rollback.Grains.Take(ReasonsShown))
        {
            Line("", $"{grain.Operator} {grain.Key} on {grain.By}, from {grain.From}: it depended on {grain.LostRecord}{(grain.Because is { } because ? $", because of {because}" : "")}");
        }

        if (rollback.RolledBackGrains > ReasonsShown)
        {
            Line("", $"and {rollback.RolledBackGrains - ReasonsShown:N0} more");
        }

        return text.ToString().TrimEnd();

        void Line(string name, string value) => text.AppendLine(CultureInfo.InvariantCulture, $"          {name,-12} {value}");
    }
}

using System.Globalization;
using OrleansStreaming;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace FlightBoard;

/// <summary>Progress on the console: a live table on a terminal, a plain line a second when the output goes elsewhere.</summary>
internal sealed class ConsoleProgress(Board board)
{
    private const int RollbacksShown = 4;
    private static readonly TimeSpan Redraw = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan PlainEvery = TimeSpan.FromSeconds(1);

    /// <summary>Whether there is a terminal to draw on.</summary>
    public static bool IsLive { get; } = !Console.IsOutputRedirected && AnsiConsole.Profile.Capabilities is { Interactive: true, Ansi: true };

    /// <summary>Shows progress until cancelled.</summary>
    public async Task ShowAsync(CancellationToken cancellationToken)
    {
        if (IsLive)
        {
            await AnsiConsole.Live(Render()).StartAsync(async live =>
            {
                do
                {
                    live.UpdateTarget(Render());
                }
                while (await PauseAsync(Redraw, cancellationToken));

                live.UpdateTarget(Render());
            });
            return;
        }

        bool finished = false;
        while (await PauseAsync(PlainEvery, cancellationToken))
        {
            if (board.Figures is { } figures && !finished)
            {
                finished = figures.Finished;
                Console.WriteLine(Plain(figures));
            }
        }
    }

    private static async Task<bool> PauseAsync(TimeSpan time, CancellationToken cancellationToken)
    {
        await Task.Delay(time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return !cancellationToken.IsCancellationRequested;
    }

    private string Plain(BoardFigures f) => string.Create(
        CultureInfo.InvariantCulture,
        $"{f.Read:N0} of {f.Flights:N0} flights, {f.TurnsPerSecond:N0} turns/s, {f.Totals.Grains:N0} grains, {Up()} of {board.Silos.Count} silos up, {board.Rollbacks.Count} failures, {f.Totals.RolledBack:N0} grains rolled back");

    private int Up() => board.Silos.Count(s => s.State == "running");

    private IRenderable Render()
    {
        if (board.Figures is not { } f)
        {
            return new Text("The silos start …\n"); // Two lines: over a single one, the next drawing would begin a line too high.
        }

        var figures = new Grid().AddColumns(4);
        figures.AddRow("[grey]flights/s[/]", "[grey]turns/s[/]", "[grey]reports/s[/]", "[grey]ingest to sink[/]");
        figures.AddRow(
            Invariant($"[bold]{f.FlightsPerSecond:N0}[/]"),
            Invariant($"[bold]{f.TurnsPerSecond:N0}[/]"),
            Invariant($"[bold]{f.ReportsPerSecond:N0}[/]"),
            Invariant($"p50 [bold]{f.Totals.P50Micros / 1000.0:0.0}[/] ms, p99 [bold]{f.Totals.P99Micros / 1000.0:0.0}[/] ms"));
        return new Rows([
            new BreakdownChart().Width(72).HideTags().AddItem("read", f.Read, Color.Teal).AddItem("to come", Math.Max(0, f.Flights - f.Read), Color.Grey23),
            new Markup(Invariant($"[bold]{f.Read:N0}[/] of {f.Flights:N0} flights, {f.Totals.Grains:N0} grains, {f.Totals.Checkpoints:N0} checkpoints{(f.Finished ? ", [green]all done[/]" : "")}")),
            figures,
            SiloTable(),
            .. RollbackLines()]);
    }

    private Table SiloTable()
    {
        Table table = new Table().RoundedBorder().BorderColor(Color.Grey)
            .AddColumns(new TableColumn("silo"), new TableColumn("state"), Right("partitions"), Right("grains"), Right("turns"), Right("rolled back"), Right("starts"));
        foreach (SiloStatus silo in board.Silos)
        {
            string colour = silo.State == "running" ? "green" : "red";
            table.AddRow(
                silo.Name, $"[{colour}]{silo.State}[/]", Invariant($"{silo.Partitions:N0}"), Invariant($"{silo.Grains:N0}"), Invariant($"{silo.Events:N0}"), Invariant($"{silo.RolledBack:N0}"), Invariant($"{silo.Incarnations}"));
        }

        return table;

        static TableColumn Right(string name) => new TableColumn(name).RightAligned();
    }

    private IEnumerable<IRenderable> RollbackLines() => board.Rollbacks.TakeLast(RollbacksShown).Select(r => new Markup(Invariant(
        $"[yellow]{r.Time.ToLocalTime():HH:mm:ss}[/] {r.Silo} {(r.LostRecords is { } lost ? $"was lost with {lost} records" : "of an earlier process had not stopped")}: [bold]{r.RolledBackGrains}[/] grains of others rolled back{Because(r)}")));

    private static string Because(Rollback rollback) =>
        rollback.Grains.Count > 0 && rollback.Grains[0] is { } grain ? Markup.Escape($", such as {grain.Key}, which had seen {grain.LostRecord}") : "";

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

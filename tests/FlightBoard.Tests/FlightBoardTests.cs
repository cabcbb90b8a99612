namespace FlightBoard.Tests;

/// <summary>Runs the sample as a process, as a newcomer does, and compares its digest with one computed by other means.</summary>
public sealed class FlightBoardTests : IDisposable
{
    private readonly TestFlights _flights = new();

    [Fact]
    public async Task A_plain_run_gives_the_figures_of_the_file() => (await FlightBoardProcess.RunAsync(_flights)).ShouldContain(_flights.DigestLine);

    [Fact]
    public async Task Killed_silos_change_nothing_but_the_report()
    {
        string output = await FlightBoardProcess.RunAsync(_flights, "--kill", "2", "--flush-ms", "25");
        output.ShouldContain(_flights.DigestLine);
        output.ShouldContain("records lost with it");
    }

    [Fact]
    public async Task A_killed_process_goes_on_from_where_it_was()
    {
        string data = _flights["data"];
        for (int i = 0; i < 3; i++)
        {
            // Killed as soon as it has stored some more.
            await using FlightBoardProcess program = FlightBoardProcess.Start(_flights, "--data", data, "--rate", "1500", "--flush-ms", "5");
            long before = Stored(data);
            await program.UntilAsync(_ => Stored(data) > before + 2);
            program.Kill();
            await program.EndAsync();
        }

        (await FlightBoardProcess.RunAsync(_flights, "--data", data)).ShouldContain(_flights.DigestLine);
        (await FlightBoardProcess.RunAsync(_flights, "--data", data)).ShouldContain(_flights.DigestLine, customMessage: "a run that finds everything done");
    }

    public void Dispose() => _flights.Dispose();

    /// <summary>The number of checkpoint and record files tells how far a run has come.</summary>
    private static long Stored(string data)
    {
        try
        {
            return Directory.Exists(data) ? Directory.EnumerateFiles(data, "*", SearchOption.AllDirectories).Count(f => f.Contains("runs", StringComparison.Ordinal)) : 0;
        }
        catch (IOException)
        {
            return 0; // A file went away while they were counted.
        }
    }
}

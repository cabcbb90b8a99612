using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Azure.Storage.Blobs;
using OrleansStreaming.Testing;

namespace FlightBoard.Tests;

/// <summary>The same on Azurite, the emulator of Azure Blob Storage: started by the sample itself, and as an account of Azure.</summary>
public sealed partial class BlobTests : IDisposable
{
    private readonly TestFlights _flights = new();

    public BlobTests() => Assert.SkipWhen(AzuriteServer.Unavailable is not null, AzuriteServer.Unavailable ?? "");

    [Fact]
    public async Task A_plain_run_gives_the_figures_of_the_file_and_ends_what_it_started()
    {
        await using FlightBoardProcess program = FlightBoardProcess.Start(_flights, "--storage", "azurite");
        await program.UntilAsync(o => o.Contains(_flights.DigestLine, StringComparison.Ordinal));

        // Silos stop while partitions may be on their way from one to the other; one that waits for ever is cut off after 30 s.
        (await program.EndAsync().WaitAsync(TimeSpan.FromSeconds(25))).ShouldBe(0, program.Output);
        string output = program.Output;
        AzuriteProcess().Match(output).Success.ShouldBeTrue(output);
        OutlivesTheRun(output).ShouldBeFalse();
    }

    [Fact]
    public async Task Killed_silos_change_nothing_but_the_report()
    {
        string output = await RunAsync("--kill", "2", "--flush-ms", "25");
        output.ShouldContain(_flights.DigestLine);
        output.ShouldContain("records lost with it");
    }

    [Fact]
    public async Task A_killed_process_and_one_that_is_stopped_go_on_from_where_they_were()
    {
        string data = _flights["data"];
        foreach (string signal in (string[])["KILL", "INT"])
        {
            Assert.SkipWhen(OperatingSystem.IsWindows(), "Signals are those of Unix.");
            await using FlightBoardProcess program = FlightBoardProcess.Start(_flights, "--storage", "azurite", "--data", data, "--rate", "600");
            await program.UntilAsync(IsOnItsWay);
            await program.SignalAsync(signal);
            int code = await program.EndAsync();
            if (signal != "KILL")
            {
                code.ShouldBe(130, program.Output);
                program.Output.ShouldContain("the same command goes on from here");
                OutlivesTheRun(program.Output).ShouldBeFalse();
            }
        }

        (await RunAsync("--data", data)).ShouldContain(_flights.DigestLine);
        (await RunAsync("--data", data)).ShouldContain(_flights.DigestLine, customMessage: "a run that finds everything done");

        await using FlightBoardProcess other = FlightBoardProcess.Start(_flights, "--data", data);
        (await other.EndAsync()).ShouldBe(2);
        other.Output.ShouldContain("--storage azurite");
    }

    [Fact]
    public async Task An_emulator_that_dies_ends_the_run_and_says_so()
    {
        await using FlightBoardProcess program = FlightBoardProcess.Start(_flights, "--storage", "azurite", "--rate", "600");
        await program.UntilAsync(IsOnItsWay);
        using (Process azurite = Process.GetProcessById(int.Parse(AzuriteProcess().Match(program.Output).Groups[1].Value, CultureInfo.InvariantCulture)))
        {
            azurite.Kill();
        }

        (await program.EndAsync()).ShouldBe(2, program.Output);
        program.Output.ShouldContain("has ended by itself");
    }

    [Fact]
    public async Task An_account_that_is_away_for_a_while_is_waited_for_and_left_as_it_was()
    {
        await using AzuriteServer account = await AzuriteServer.StartAsync(_flights["account"], TestContext.Current.CancellationToken);
        var environment = new Dictionary<string, string> { ["AZURE_STORAGE_CONNECTION_STRING"] = account.ConnectionString };
        await using FlightBoardProcess program = FlightBoardProcess.Start(_flights, environment, "--storage", "azure", "--rate", "1000");
        await program.UntilAsync(IsOnItsWay);
        await account.StopAsync();
        await account.StartAgainAsync();
        (await program.EndAsync()).ShouldBe(0, program.Output);
        program.Output.ShouldContain(_flights.DigestLine);
        new BlobServiceClient(account.ConnectionString).GetBlobContainers(cancellationToken: TestContext.Current.CancellationToken).ShouldBeEmpty("its container was for this run");
    }

    public void Dispose() => _flights.Dispose();

    /// <summary>Whether some of the flights have been read.</summary>
    private static bool IsOnItsWay(string output) => Read().Matches(output).Any(m => m.Groups[1].Value != "0");

    private static bool OutlivesTheRun(string output)
    {
        try
        {
            using Process azurite = Process.GetProcessById(int.Parse(AzuriteProcess().Match(output).Groups[1].Value, CultureInfo.InvariantCulture));
            return !azurite.HasExited;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private Task<string> RunAsync(params string[] options) => FlightBoardProcess.RunAsync(_flights, ["--storage", "azurite", .. options]);

    [GeneratedRegex(@"Azurite at \S+ \(process (\d+)\)")]
    private static partial Regex AzuriteProcess();

    [GeneratedRegex(@"^([\d,]+) of 4,000 flights", RegexOptions.Multiline)]
    private static partial Regex Read();
}

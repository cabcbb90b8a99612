using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace FlightBoard.Tests;

/// <summary>Runs the sample as a process, as a newcomer does, and compares its digest with one computed by other means.</summary>
public sealed class FlightBoardTests : IDisposable
{
    private const int Flights = 4000;
    private readonly string _folder = Directory.CreateTempSubdirectory("flightboard-").FullName;
    private readonly string _input;
    private readonly string _digest;

    public FlightBoardTests()
    {
        var random = new Random(20010101);
        string[] airports = ["ATL", "ORD", "DTW", "LAS", "SFO", "JFK", "SEA", "DEN", "IAH", "MSP", "PHX", "STL"];
        var flights = Enumerable.Range(0, Flights).Select(i =>
        {
            string origin = airports[random.Next(airports.Length)], destination = airports[random.Next(airports.Length)];
            return (Origin: origin, Destination: destination, Delay: random.Next(-20, 240));
        }).ToList();
        _input = Path.Combine(_folder, "flights.json");
        File.WriteAllText(_input, JsonSerializer.Serialize(flights.Select((f, i) => new
        {
            date = $"2001/01/{1 + (i / 200),2:00} 10:00",
            delay = f.Delay,
            distance = 100 + i % 900,
            origin = f.Origin,
            destination = f.Destination,
        })));
        var text = new StringBuilder();
        Describe(text, "AirportDelays", flights.GroupBy(f => f.Origin).Select(g => (g.Key, g.Select(f => f.Delay).ToList())));
        Describe(text, "RouteDelays", flights.GroupBy(f => $"{f.Origin}-{f.Destination}").Select(g => (g.Key, g.Select(f => f.Delay).ToList())));
        _digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }

    [Fact]
    public async Task A_plain_run_gives_the_figures_of_the_file() => (await RunAsync()).ShouldContain($"digest: {_digest}");

    [Fact]
    public async Task Killed_silos_change_nothing_but_the_report()
    {
        string output = await RunAsync("--kill", "2", "--flush-ms", "25");
        output.ShouldContain($"digest: {_digest}");
        output.ShouldContain("records lost with it");
    }

    [Fact]
    public async Task A_killed_process_goes_on_from_where_it_was()
    {
        string data = Path.Combine(_folder, "data");
        for (int i = 0; i < 3; i++)
        {
            using Process process = Start("--data", data, "--rate", "1500", "--flush-ms", "5");
            Task<string> output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);

            // Killed as soon as it has stored some more.
            long before = Stored(data);
            while (!process.HasExited && Stored(data) <= before + 2)
            {
                await Task.Yield();
            }

            process.Kill();
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            await output;
        }

        (await RunAsync("--data", data)).ShouldContain($"digest: {_digest}");
        (await RunAsync("--data", data)).ShouldContain($"digest: {_digest}", customMessage: "a run that finds everything done");
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

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

    private static void Describe(StringBuilder text, string name, IEnumerable<(string Key, List<int> Delays)> groups)
    {
        foreach ((string key, List<int> delays) in groups.OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            text.Append(CultureInfo.InvariantCulture, $"{name} {key} {{\"count\":{delays.Count},\"sumDelay\":{delays.Sum()},\"maxDelay\":{delays.Max()},\"minDelay\":{delays.Min()}}}\n");
        }
    }

    private async Task<string> RunAsync(params string[] options)
    {
        using Process process = Start(options);
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromMinutes(2));
        Task<string> output = process.StandardOutput.ReadToEndAsync(limit.Token);
        Task<string> errors = process.StandardError.ReadToEndAsync(limit.Token);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill();
            }
        }

        process.ExitCode.ShouldBe(0, await output + await errors);
        return await output;
    }

    private Process Start(params string[] options)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "FlightBoard.dll");
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = _folder };
        foreach (string argument in (string[])[program, "--once", "--input", _input, .. options])
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start)!;
    }
}

using System.CommandLine;
using OrleansStreaming.Benchmarks;
using OrleansStreaming.Testing;
using Spectre.Console;

if (Console.IsOutputRedirected)
{
    AnsiConsole.Profile.Capabilities.Ansi = false;
    AnsiConsole.Profile.Capabilities.ColorSystem = ColorSystem.NoColors;
    AnsiConsole.Profile.Width = 140;
}

RootCommand root = new("Measures the engines on real files. Absolute times are for reading; ratios within one run are what counts.")
{
    ThroughputScenario.Command(),
    LatencyScenario.Command(),
    RecoveryScenario.Command(),
    CheckpointScenario.Command(),
    OpenScenario.Command(),
#if ORLEANS
    OrleansScenario.Command(),
#endif
    LoadSender.Command(),
};
ParseResult parsed = root.Parse(args);
try
{
    // Ctrl-C cancels the scenario, which then still deletes its folder.
    return await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(30), EnableDefaultExceptionHandler = false });
}
catch (OperationCanceledException)
{
    Console.Error.WriteLine("Stopped.");
    return 130;
}
catch (Exception e) when (e is InvalidOperationException or IOException or UnauthorizedAccessException or AzuriteException)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}

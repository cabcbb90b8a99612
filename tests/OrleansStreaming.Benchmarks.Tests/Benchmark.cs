using System.Diagnostics;
using System.Text.Json;

namespace OrleansStreaming.Benchmarks.Tests;

/// <summary>One run of the console program, in a process of its own.</summary>
internal static class Benchmark
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(4);

    /// <summary>Runs a scenario to its end; returns the JSON object that its last line must be.</summary>
    /// <param name="exitCode">What it must end with.</param>
    /// <param name="arguments">The scenario and its options, separated by spaces.</param>
    public static async Task<JsonElement> RunAsync(string arguments, int exitCode = 0)
    {
        string data = Directory.CreateTempSubdirectory("orleansstreaming-").FullName;
        try
        {
            (int code, string output, string errors) = await RunPlainAsync($"{arguments} --json --data {data}");
            code.ShouldBe(exitCode, $"{output}\n{errors}");
            Directory.GetFileSystemEntries(data).ShouldBeEmpty("the program leaves nothing behind");
            return JsonDocument.Parse(output.TrimEnd().Split('\n')[^1]).RootElement;
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    /// <summary>Runs the program; returns its exit code and what it printed.</summary>
    public static async Task<(int ExitCode, string Output, string Errors)> RunPlainAsync(string arguments)
    {
        string dotnet = Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet";
        string program = Path.Combine(AppContext.BaseDirectory, "OrleansStreaming.Benchmarks.dll");
        using var process = Process.Start(new ProcessStartInfo(dotnet, $"\"{program}\" {arguments}") { RedirectStandardOutput = true, RedirectStandardError = true })!;
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Limit);
        try
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync(limit.Token), errors = process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return (process.ExitCode, await output, await errors);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw;
        }
    }

    public static double Number(this JsonElement json, string field) => json.GetProperty(field).GetDouble();
}

using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace OrleansStreaming.Clustering.Tests;

/// <summary>The driver of the sample FlightCluster as a process, with the silos and the Azurite that it starts, and what it has printed.</summary>
internal sealed partial class FlightClusterProcess : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(6);
    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly SemaphoreSlim _printed = new(0);

    private FlightClusterProcess(ProcessStartInfo start)
    {
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Print(line.Data);
        _process.ErrorDataReceived += (_, line) => Print(line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public string Output
    {
        get
        {
            lock (_output)
            {
                return _output.ToString();
            }
        }
    }

    /// <summary>The processes that it says it has started and that still run.</summary>
    public IReadOnlyList<int> Running => [.. Started().Matches(Output).Select(m => int.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture)).Where(IsRunning)];

    public static FlightClusterProcess Start(params string[] options)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in (string[])[Path.Combine(AppContext.BaseDirectory, "FlightCluster.dll"), "drive", .. options])
        {
            start.ArgumentList.Add(argument);
        }

        return new FlightClusterProcess(start);
    }

    /// <summary>Waits for its end; returns its exit code.</summary>
    public async Task<int> EndAsync()
    {
        using CancellationTokenSource limit = LimitedTime();
        await _process.WaitForExitAsync(limit.Token);
        return _process.ExitCode;
    }

    /// <summary>Waits until something holds of what it has printed.</summary>
    public async Task UntilAsync(Predicate<string> printed)
    {
        using CancellationTokenSource limit = LimitedTime();
        while (!printed(Output))
        {
            _process.HasExited.ShouldBeFalse(Output);
            await _printed.WaitAsync(TimeSpan.FromMilliseconds(100), limit.Token);
        }
    }

    /// <summary>Waits until nothing that it started runs any more.</summary>
    public async Task UntilNothingIsLeftAsync()
    {
        using CancellationTokenSource limit = LimitedTime();
        while (Running.Count > 0)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(50), limit.Token);
        }
    }

    /// <summary>Sends it, and only it, a signal of Unix.</summary>
    public async Task SignalAsync(string signal)
    {
        using Process kill = Process.Start("kill", ["-s", signal, _process.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
        kill.ExitCode.ShouldBe(0);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(); // All that it started ends with it.
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    private static bool IsRunning(int process)
    {
        try
        {
            using Process found = Process.GetProcessById(process);
            return !found.HasExited;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static CancellationTokenSource LimitedTime()
    {
        CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Limit);
        return limit;
    }

    private void Print(string? line)
    {
        lock (_output)
        {
            _output.AppendLine(line);
        }

        _printed.Release();
    }

    [GeneratedRegex(@"\(process (\d+)\)")]
    private static partial Regex Started();
}

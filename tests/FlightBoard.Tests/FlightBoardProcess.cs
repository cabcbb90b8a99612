using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace FlightBoard.Tests;

/// <summary>The sample as a process, as a newcomer starts it, and what it has printed.</summary>
internal sealed class FlightBoardProcess : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);
    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly SemaphoreSlim _printed = new(0);

    private FlightBoardProcess(ProcessStartInfo start)
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

    public static FlightBoardProcess Start(TestFlights flights, IReadOnlyDictionary<string, string> environment, params string[] options)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = flights.Folder };
        foreach (string argument in (string[])[Path.Combine(AppContext.BaseDirectory, "FlightBoard.dll"), "--once", "--input", flights.Input, .. options])
        {
            start.ArgumentList.Add(argument);
        }

        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        return new FlightBoardProcess(start);
    }

    public static FlightBoardProcess Start(TestFlights flights, params string[] options) => Start(flights, new Dictionary<string, string>(), options);

    /// <summary>Runs it to its end; returns what it printed.</summary>
    public static async Task<string> RunAsync(TestFlights flights, params string[] options)
    {
        await using FlightBoardProcess program = Start(flights, options);
        (await program.EndAsync()).ShouldBe(0, program.Output);
        return program.Output;
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

    public void Kill() => _process.Kill();

    /// <summary>Sends it a signal of Unix.</summary>
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
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
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
}

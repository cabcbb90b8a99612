using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Reflection;
using FlightCluster.Silo;

namespace FlightCluster.Drive;

/// <summary>A silo as a process of its own. It ends with this process, also when this one is killed.</summary>
internal sealed class SiloProcess : IDisposable
{
    private const int TailLines = 15;
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(30);
    private readonly Process _process;
    private readonly string _output;

    private SiloProcess(Process process, string name, string url, string output)
    {
        _process = process;
        _output = output;
        Name = name;
        Url = new Uri(url);
        Id = process.Id;
        _ = Task.WhenAll(KeepAsync(process.StandardOutput, output + ".out"), KeepAsync(process.StandardError, output + ".err"));
    }

    public string Name { get; }

    public Uri Url { get; }

    public int Id { get; }

    public static SiloProcess Start(string name, BlobAccount storage, Folders folders)
    {
        int[] ports = FreePorts(3);
        string url = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{ports[0]}");
        string self = Environment.ProcessPath!;
        var start = new ProcessStartInfo(self)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (Path.GetFileNameWithoutExtension(self) == "dotnet")
        {
            start.ArgumentList.Add(Assembly.GetExecutingAssembly().Location);
        }

        foreach ((string option, string value) in ((string, string)[])[
            ("--urls", url), ("--name", name), ("--silo-port", Text(ports[1])), ("--gateway-port", Text(ports[2])),
            ("--container", storage.Container), ("--reports", folders.Reports), ("--logs", folders.Logs), ("--owned", "true")])
        {
            start.ArgumentList.Add(option);
            start.ArgumentList.Add(value);
        }

        // Where no list of processes shows it.
        start.Environment[SiloSettings.ConnectionVariable] = storage.Connection;
        foreach ((string setting, string value) in storage.Members)
        {
            start.Environment[setting] = value;
        }

        return new SiloProcess(Process.Start(start)!, name, url, Path.Combine(folders.Logs, name));

        static string Text(int port) => port.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>Waits until it serves its share.</summary>
    /// <exception cref="UserException">It ended instead, or takes too long.</exception>
    public async Task WhenReadyAsync(HttpClient http, CancellationToken cancellationToken)
    {
        long started = Stopwatch.GetTimestamp();
        while (!await IsReadyAsync(http, cancellationToken))
        {
            if (_process.HasExited)
            {
                throw new UserException($"{Name} has ended (exit code {_process.ExitCode}) instead of serving. The end of what it said, in {_output}.out and .err:\n{Tail()}");
            }

            if (Stopwatch.GetElapsedTime(started) > StartLimit)
            {
                throw new UserException($"{Name} is not ready after {StartLimit.TotalSeconds:0} s. The end of what it said, in {_output}.out and .err:\n{Tail()}");
            }

            await Task.Delay(Poll, cancellationToken);
        }
    }

    /// <summary>As <c>kill -9</c> does; returns when it is dead.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>Stops it in good order: its partitions go to the others.</summary>
    /// <returns>False when it had to be killed because it took too long, or ended otherwise.</returns>
    public async Task<bool> StopAsync()
    {
        try
        {
            if (!_process.HasExited)
            {
                await _process.StandardInput.WriteLineAsync(Owner.Stop);
                await _process.StandardInput.FlushAsync();
            }
        }
        catch (IOException)
        {
            // It has just ended.
        }

        using var limit = new CancellationTokenSource(StopLimit);
        try
        {
            await _process.WaitForExitAsync(limit.Token);
            return _process.ExitCode == 0;
        }
        catch (OperationCanceledException)
        {
            await KillAsync();
            return false;
        }
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    private static async Task KeepAsync(StreamReader from, string file)
    {
        await using FileStream to = File.Create(file);
        await from.BaseStream.CopyToAsync(to);
    }

    private async Task<bool> IsReadyAsync(HttpClient http, CancellationToken cancellationToken)
    {
        try
        {
            using HttpResponseMessage answer = await http.GetAsync(new Uri(Url, "/health/ready"), cancellationToken);
            return answer.StatusCode == HttpStatusCode.OK;
        }
        catch (HttpRequestException)
        {
            return false; // It does not listen yet.
        }
    }

    private string Tail() => string.Join('\n', new[] { ".out", ".err" }.SelectMany(e => Lines(_output + e)).TakeLast(TailLines));

    private static IEnumerable<string> Lines(string file)
    {
        using var reader = new StreamReader(new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>Ports that nobody listens on, below those that systems hand out for outgoing connections: they stay free until they are used.</summary>
    private static int[] FreePorts(int count)
    {
        var ports = new HashSet<int>();
        while (ports.Count < count)
        {
            int port = Random.Shared.Next(15_000, 30_000);
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port);
                listener.Start();
                ports.Add(port);
            }
            catch (SocketException)
            {
                // Taken.
            }
        }

        return [.. ports];
    }
}

using System.Diagnostics;
using System.Globalization;

namespace FlightCluster.Drive;

/// <summary>The silos of this run. One thing at a time is done to it; its addresses may be asked for meanwhile.</summary>
internal sealed class Cluster(BlobAccount storage, Folders folders, Timeline timeline) : IAsyncDisposable
{
    public const int Size = 3;
    private readonly List<SiloProcess> _silos = [];
    private volatile Uri[] _urls = [];
    private int _named;

    public HttpClient Http { get; } = new(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(2) }) { Timeout = TimeSpan.FromSeconds(60) };

    /// <summary>Where silos serve, as far as those who send know: one that was killed is still among them until another one is there.</summary>
    public IReadOnlyList<Uri> Urls => _urls;

    /// <summary>Starts the first silos and waits until all serve.</summary>
    public Task StartAsync(CancellationToken cancellationToken) =>
        StartAsync([.. Enumerable.Range(0, Size).Select(_ => NextName())], cancellationToken);

    /// <summary>Kills one of the silos.</summary>
    /// <returns>Its name, and when it was dead.</returns>
    public async Task<(string Silo, DateTimeOffset At)> KillAsync()
    {
        SiloProcess victim = _silos[Random.Shared.Next(_silos.Count)];
        await victim.KillAsync();
        DateTimeOffset at = DateTimeOffset.UtcNow;
        timeline.Say($"kill -9 {victim.Id}: {victim.Name} is dead");
        _silos.Remove(victim);
        victim.Dispose();
        return (victim.Name, at);
    }

    /// <summary>Starts one more silo, and waits until it serves its share.</summary>
    public Task AddAsync(CancellationToken cancellationToken) => StartAsync([NextName()], cancellationToken);

    /// <summary>Stops the silo that has run longest in good order, and starts one of the same name.</summary>
    public async Task RestartAsync(CancellationToken cancellationToken)
    {
        using SiloProcess silo = _silos[0];
        long start = Stopwatch.GetTimestamp();
        bool inGoodOrder = await silo.StopAsync();
        _silos.Remove(silo);
        if (!inGoodOrder)
        {
            throw new UserException($"{silo.Name} did not stop in good order.");
        }

        timeline.Say(string.Create(CultureInfo.InvariantCulture, $"{silo.Name} has handed over and stopped in {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s"));
        await StartAsync([silo.Name], cancellationToken);
    }

    /// <summary>Stops all silos in good order.</summary>
    /// <returns>Whether all did.</returns>
    public async Task<bool> StopAsync()
    {
        bool[] stopped = await Task.WhenAll(_silos.Select(s => s.StopAsync()));
        Clear();
        return Array.TrueForAll(stopped, s => s);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Http.Dispose();
    }

    private string NextName() => string.Create(CultureInfo.InvariantCulture, $"silo{_named++}");

    private async Task StartAsync(string[] names, CancellationToken cancellationToken)
    {
        SiloProcess[] started = [.. names.Select(name => SiloProcess.Start(name, storage, folders))];
        _silos.AddRange(started);
        await Task.WhenAll(started.Select(async silo =>
        {
            await silo.WhenReadyAsync(Http, cancellationToken);
            timeline.Say($"{silo.Name} serves: {silo.Url} (process {silo.Id})");
        }));
        _urls = [.. _silos.Select(s => s.Url)];
    }

    private void Clear()
    {
        foreach (SiloProcess silo in _silos)
        {
            silo.Dispose();
        }

        _silos.Clear();
    }
}

using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using OrleansStreaming.Core;

namespace OrleansStreaming.Engine;

/// <summary>A silo of this process over all its incarnations: starts a new one when the last has failed.</summary>
internal sealed class SiloHost(StreamingEngine engine, string name)
{
    private static readonly TimeSpan LookLimit = TimeSpan.FromSeconds(2);
    private readonly Lock _lock = new();
    private readonly SiloTotals _past = new();
    private SiloIncarnation? _current;
    private bool _stopping;

    public string Name { get; } = name;

    public int Incarnations { get; private set; }

    /// <summary>The incarnation that runs, or null between two.</summary>
    public SiloIncarnation? Current
    {
        get
        {
            lock (_lock)
            {
                return _current;
            }
        }
    }

    /// <summary>Totals of all incarnations.</summary>
    public SiloTotals Totals
    {
        get
        {
            var totals = new SiloTotals();
            lock (_lock)
            {
                totals.Add(_past);
                if (_current is not null)
                {
                    totals.Add(_current.Silo.Counters);
                }
            }

            return totals;
        }
    }

    public void Start()
    {
        lock (_lock)
        {
            if (_stopping || _current is not null)
            {
                return;
            }

            Incarnations++;
            _current = new SiloIncarnation(engine, this);
            _current.Begin();
        }
    }

    /// <summary>Asks the silo something, inside its loop; the default answer when it is not running.</summary>
    public async Task<T> AskAsync<T>(Func<Silo, T> question)
    {
        SiloIncarnation? current = Current;
        return current is null ? default! : await current.AskAsync(question).ConfigureAwait(false);
    }

    /// <summary>As <see cref="AskAsync"/>, for those who look from outside: the default answer, too, when the loop is held up.</summary>
    public async Task<T> LookAsync<T>(Func<Silo, T> question)
    {
        try
        {
            return await AskAsync(question).WaitAsync(LookLimit, engine.Time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            return default!;
        }
    }

    /// <summary>Stops the silo as a crash would, cuts its un-flushed tail, and declares it dead. Returns how many records were lost.</summary>
    public async Task<long> KillAsync(bool torn)
    {
        SiloIncarnation? victim;
        lock (_lock)
        {
            victim = _current;
        }

        if (victim is null)
        {
            return 0;
        }

        await victim.AbandonAsync().ConfigureAwait(false);
        long lost = victim.Silo.Journal.UnflushedRecords;
        if (engine.Storage is ILosesTails storage && victim.Silo.Journal.Id >= 0)
        {
            await storage.CutTailAsync(victim.Silo.Journal.Name, torn, CancellationToken.None).ConfigureAwait(false);
        }

        engine.RecordLoss(victim.Silo.Journal.Name, lost);
        Ended(victim, "killed");
        return lost;
    }

    /// <summary>An incarnation is over: the others are told, and after a while the next one starts.</summary>
    public void Ended(SiloIncarnation incarnation, string reason)
    {
        lock (_lock)
        {
            if (_current != incarnation)
            {
                return;
            }

            _past.Add(incarnation.Silo.Counters);
            _current = null;
        }

        engine.KeepReports(incarnation);
        engine.Cluster.Ended(incarnation);
        engine.TraceRecovery(incarnation);
        if (!_stopping)
        {
            engine.LogRestart(Name, reason, engine.Options.RestartDelay);
            _ = RestartAsync();
        }
    }

    /// <summary>From now on, an incarnation that ends is the last.</summary>
    public void StayDown()
    {
        lock (_lock)
        {
            _stopping = true;
        }
    }

    public async Task StopAsync()
    {
        SiloIncarnation? current;
        lock (_lock)
        {
            _stopping = true;
            current = _current;
        }

        if (current is not null)
        {
            await current.AbandonAsync().ConfigureAwait(false);
        }
    }

    private async Task RestartAsync()
    {
        try
        {
            await Task.Delay(engine.Options.RestartDelay, engine.Time, engine.Stopping).ConfigureAwait(false);
            Start();
        }
        catch (OperationCanceledException)
        {
            // The engine stops.
        }
    }
}

/// <summary>Sums of counters.</summary>
internal sealed class SiloTotals
{
    public long Ingested, Events, Released, Checkpoints, CheckpointMicros, CheckpointBytes, RolledBack, Replayed, Reactivated;

    public List<LatencyHistogram> Latencies { get; } = [];

    public void Add(SiloCounters counters)
    {
        Ingested += counters.Ingested;
        Events += counters.Events;
        Released += counters.Released;
        Checkpoints += counters.Checkpoints;
        CheckpointMicros += counters.CheckpointMicros;
        CheckpointBytes += counters.CheckpointBytes + counters.MergedBytes;
        RolledBack += counters.RolledBack;
        Replayed += counters.Replayed;
        Reactivated += counters.Reactivated;
        Latencies.Add(counters.Latency);
    }

    public void Add(SiloTotals other)
    {
        Ingested += other.Ingested;
        Events += other.Events;
        Released += other.Released;
        Checkpoints += other.Checkpoints;
        CheckpointMicros += other.CheckpointMicros;
        CheckpointBytes += other.CheckpointBytes;
        RolledBack += other.RolledBack;
        Replayed += other.Replayed;
        Reactivated += other.Reactivated;
        Latencies.AddRange(other.Latencies);
    }
}

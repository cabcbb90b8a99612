using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using OrleansStreaming.Core;
using OrleansStreaming.Engine;
using OrleansStreaming.Topologies;

namespace OrleansStreaming;

/// <summary>Questions from outside.</summary>
public sealed partial class StreamingEngine
{
    internal ConcurrentDictionary<string, string> SourceErrors { get; } = new();

    internal bool AllServed => Topology.Streams.All(s => Enumerable.Range(0, s.PartitionCount).All(i => IsServed(PartitionId.Of(s, i))));

    /// <summary>The state of a grain.</summary>
    /// <param name="operator">The operator's name.</param>
    /// <param name="key">The key as text.</param>
    /// <param name="stable">Wait until what the state depends on can no longer be lost.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Null for a key that was never seen.</returns>
    /// <exception cref="ArgumentException">There is no such operator, or the text is not a key of its type.</exception>
    public async Task<GrainState?> GetStateAsync(string @operator, string key, bool stable = false, CancellationToken cancellationToken = default)
    {
        OperatorDefinition definition = FindOperator(@operator);
        byte[] bytes = new byte[KeyCodec.MaxBytes];
        if (!KeyCodec.TryParse(definition.From.KeyKind, key, bytes, out int length))
        {
            throw new ArgumentException($"'{key}' is not a key of operator '{@operator}', whose keys are of type {KeyCodec.NameOf(definition.From.KeyKind)}.", nameof(key));
        }

        return await ReadAsync(definition, bytes[..length], stable, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The states of all grains of an operator, in no order. For tests and small operators: it asks for each.</summary>
    /// <param name="operator">The operator's name.</param>
    /// <param name="stable">See <see cref="GetStateAsync"/>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async IAsyncEnumerable<GrainState> GetStatesAsync(string @operator, bool stable = false, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        OperatorDefinition definition = FindOperator(@operator);
        for (int i = 0; i < definition.From.PartitionCount; i++)
        {
            int partition = PartitionId.Of(definition.From, i);
            IReadOnlyCollection<byte[]> keys = await KeysAsync(definition, partition, cancellationToken).ConfigureAwait(false);
            foreach (byte[] key in keys)
            {
                if (await ReadAsync(definition, key, stable, cancellationToken).ConfigureAwait(false) is { } state)
                {
                    yield return state;
                }
            }
        }
    }

    private async Task<IReadOnlyCollection<byte[]>> KeysAsync(OperatorDefinition definition, int partition, CancellationToken cancellationToken)
    {
        for (int tries = 0; ; tries++)
        {
            ISiloLink owner = await OwnerAsync(partition, tries, cancellationToken).ConfigureAwait(false);
            if (await owner.KeysAsync(definition, partition, cancellationToken).ConfigureAwait(false) is { } keys)
            {
                return keys;
            }

            await Task.Delay(OwnerWait, _time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>What every silo is doing.</summary>
    public async Task<IReadOnlyList<SiloStatus>> GetSilosAsync() =>
        await Task.WhenAll(_hosts.Select(StatusAsync)).ConfigureAwait(false);

    /// <summary>Totals since the process started.</summary>
    public EngineTotals GetTotals()
    {
        SiloTotals[] all = [.. _hosts.Select(h => h.Totals)];
        LatencyHistogram[] latencies = [.. all.SelectMany(t => t.Latencies)];
        return new EngineTotals(
            all.Sum(t => t.Ingested),
            all.Sum(t => t.Events),
            all.Sum(t => t.Released),
            _hosts.Sum(h => h.Current?.Silo.Counters.Grains ?? 0),
            all.Sum(t => t.Checkpoints),
            all.Sum(t => t.RolledBack),
            LatencyHistogram.Percentile(latencies, 0.5),
            LatencyHistogram.Percentile(latencies, 0.99));
    }

    /// <summary>Failures since the process started, newest last, and what each silo did about them.</summary>
    public IReadOnlyList<Rollback> GetRollbacks()
    {
        foreach (SiloHost host in _hosts)
        {
            if (host.Current is { } current)
            {
                KeepReports(current);
            }
        }

        List<RecoveryEntry> entries;
        lock (_entries)
        {
            entries = [.. _entries.Values];
        }

        return [.. entries.GroupBy(e => e.SealVersion).OrderBy(g => g.Key).Select(Summarise)];
    }

    /// <summary>Whether the engine can do its work, and what needs attention.</summary>
    public async Task<EngineHealth> GetHealthAsync()
    {
        var problems = new List<string>();
        foreach (SiloHost host in _hosts)
        {
            if (host.Current is null)
            {
                problems.Add($"{host.Name} is down and starts again soon");
            }
        }

        SiloIncarnation?[] asked = [.. _hosts.Select(h => h.Current)];
        HealthPart?[] answers = await Task.WhenAll(_hosts.Select(h => h.LookAsync(HealthPart.Of))).ConfigureAwait(false);
        string[] silent = [.. _hosts.Where((h, i) => answers[i] is null && asked[i] is not null && h.Current == asked[i]).Select(h => h.Name)];
        problems.AddRange(silent.Select(s => $"{s} does not answer: something holds up its loop, perhaps a turn that blocks its thread"));
        HealthPart[] parts = [.. answers.OfType<HealthPart>()];
        problems.AddRange(parts.SelectMany(p => p.Problems));
        problems.AddRange(SourceErrors.Select(e => $"source {e.Key}: {e.Value}"));
        bool ready = _started == 1 && AllServed && silent.Length == 0 && parts.All(p => p.Ready);
        if (!AllServed)
        {
            int[] missing = [.. Topology.Streams.SelectMany(s => Enumerable.Range(0, s.PartitionCount).Select(i => PartitionId.Of(s, i))).Where(p => !IsServed(p))];
            problems.Add($"{missing.Length} partitions are not served yet");
            if (_cluster.HasOthers)
            {
                Array.ForEach(missing, LookForOwner); // Perhaps they are, and the news of it was lost.
            }
        }

        return new EngineHealth(ready, problems, [.. parts.SelectMany(p => p.Sinks)], [.. parts.SelectMany(p => p.Stuck)]);
    }

    private const int MaxReports = 1000;
    private readonly ConcurrentDictionary<string, long> _losses = new();
    private readonly Dictionary<(string Silo, int Journal, int SealVersion), RecoveryEntry> _entries = [];

    /// <summary>How many records were lost with a journal: only who has killed its silo knows.</summary>
    internal void RecordLoss(string journal, long records) => _losses[journal] = records;

    /// <summary>Reports outlive the incarnation that wrote them.</summary>
    internal void KeepReports(SiloIncarnation incarnation)
    {
        lock (_entries)
        {
            lock (incarnation.Silo.Reports)
            {
                foreach (RecoveryEntry entry in incarnation.Silo.Reports)
                {
                    _entries[(entry.Silo, incarnation.Silo.Journal.Id, entry.SealVersion)] = entry;
                }
            }

            while (_entries.Count > MaxReports)
            {
                _entries.Remove(_entries.MinBy(e => e.Value.Time).Key);
            }
        }
    }

    private bool IsServed(int partition) => FindOwner(partition) is not null;

    private OperatorDefinition FindOperator(string name) =>
        Topology.FindOperator(name) ?? throw new ArgumentException($"There is no operator '{name}'.", nameof(name));

    private async Task<GrainState?> ReadAsync(OperatorDefinition definition, byte[] key, bool stable, CancellationToken cancellationToken)
    {
        int partition = PartitionId.Of(definition.From, KeyHash.PartitionOf(KeyHash.Compute(key), definition.From.PartitionCount));
        for (int tries = 0; ; tries++)
        {
            ISiloLink owner = await OwnerAsync(partition, tries, cancellationToken).ConfigureAwait(false);
            var answer = new TaskCompletionSource<StateAnswer>(TaskCreationOptions.RunContinuationsAsynchronously);
            owner.Read(new StateQuery(definition.Id, partition, key, stable, a => answer.TrySetResult(a), cancellationToken));
            StateAnswer state = await answer.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
            switch (state.Kind)
            {
                case StateAnswerKind.Found:
                    return new GrainState(KeyCodec.ToText(definition.From.KeyKind, key), state.Json, state.Offset);
                case StateAnswerKind.Unknown:
                    return null;
                default:
                    await Task.Delay(OwnerWait, _time, cancellationToken).ConfigureAwait(false);
                    break;
            }
        }
    }

    private async Task<SiloStatus> StatusAsync(SiloHost host)
    {
        SiloTotals totals = host.Totals;
        SiloStatus? status = await host.LookAsync(silo => new SiloStatus(
            host.Name,
            silo.Phase.ToString().ToLowerInvariant(),
            silo.Journal.Name,
            silo.Journal.Id < 0 ? 0 : silo.Journal.Durable,
            silo.Journal.UnflushedBytes,
            silo.Ownerships.Active.Count,
            silo.Counters.Grains,
            totals.Events,
            totals.Released,
            totals.Checkpoints,
            totals.RolledBack,
            host.Incarnations,
            silo.StorageTrouble)).ConfigureAwait(false);
        if (status is null && host.Current is not null)
        {
            return new SiloStatus(
                host.Name, "busy", string.Empty, 0, 0, 0, 0, totals.Events, totals.Released, totals.Checkpoints, totals.RolledBack, host.Incarnations, "does not answer");
        }

        return status ?? new SiloStatus(
            host.Name, "stopped", string.Empty, 0, 0, 0, 0, totals.Events, totals.Released, totals.Checkpoints, totals.RolledBack, host.Incarnations, "starts again soon");
    }

    private Rollback Summarise(IGrouping<int, RecoveryEntry> entries)
    {
        RecoveryEntry first = entries.MinBy(e => e.Time)!;
        return new Rollback(
            first.Journal[..first.Journal.LastIndexOf('-')],
            first.Journal,
            first.SealVersion,
            first.SealedAt,
            first.Time,
            _losses.TryGetValue(first.Journal, out long lost) ? lost : null,
            entries.Sum(e => e.RolledBackCount),
            entries.Sum(e => Math.Max(0, e.Reactivated)),
            entries.Sum(e => Math.Max(0, e.Replayed)),
            entries.Sum(e => e.TakenOver),
            entries.Any(e => e.RecoveredMs is null) ? null : entries.Max(e => e.RecoveredMs),
            [.. entries.SelectMany(e => e.RolledBack.Select(g => new RolledBack(e.Silo, g.Operator, g.Key, g.LostRecord, g.Because, g.From)))]);
    }

    /// <summary>What one silo contributes.</summary>
    private sealed record HealthPart(bool Ready, IReadOnlyList<string> Problems, IReadOnlyList<SinkStatus> Sinks, IReadOnlyList<StuckTurn> Stuck)
    {
        public static HealthPart? Of(Silo silo)
        {
            var problems = new List<string>();
            if (silo.StorageTrouble is { } trouble)
            {
                problems.Add($"{silo.Name}: {trouble}");
            }

            problems.AddRange(silo.Ownerships.Faults.Select(f => $"{silo.Ownerships.NameOf(f.Key)}: {f.Value}"));
            SinkStatus[] sinks = [.. silo.Ownerships.Active.SelectMany(p => p.Sinks.Where(s => s.Attempts > 0).Select(s => new SinkStatus(
                s.Definition.Name, p.Name, s.IsParked ? "parked" : "retrying", new Offset(s.Position).ToString(), s.Attempts, s.LastError?.Message)))];
            StuckTurn[] stuck = [.. silo.StuckTurns.Select(t => new StuckTurn(
                t.Host.Type.Definition.Name, t.Host.Type.KeyText(t.Grain.Key), new Offset(t.Offset).ToString(), silo.NowMs - t.StartedMs))];
            return new HealthPart(silo.Phase == SiloPhase.Running && silo.StorageTrouble is null, problems, sinks, stuck);
        }
    }
}

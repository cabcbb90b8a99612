using System.Runtime.CompilerServices;
using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>
/// Everything outside of the silos, under one seed: storage, network, clocks, membership, producers, sinks and the schedule
/// that decides what happens next. One thread; every run of a seed is the same.
/// </summary>
internal sealed partial class SimulatedWorld
{
    private readonly List<SimulatedSilo> _silos = [];
    private readonly Dictionary<(int Sink, int Partition), SinkContent> _sinks = [];
    private readonly Action<string>? _trace;
    private readonly Dictionary<string, int> _incarnations = [];
    private ulong _digest = 14695981039346656037;
    private (string? Tag, ClusterRecord Record) _record = (string.Empty, ClusterRecord.Parse(null));

    public SimulatedWorld(ulong seed, NamedScenario? scenario = null, Action<string>? trace = null, Reduction? reduction = null)
    {
        Seed = seed;
        Reduction = reduction ?? Reduction.None;
        _trace = trace;
        Random = new SimulationRandom(SimulationRandom.Mix(seed + 0x51ED270));
        Scenario = (scenario ?? ScenarioCatalog.Random).Draw(Random).With(Reduction);
        Director = Scenario.Director?.Invoke();
        Faults = new Faults(this, Reduction);
        Oracle = new Oracle(this);
        Gates = new Gates(this);
        Network = new Network(this);
        Membership = new Membership(this, [.. Enumerable.Range(0, Scenario.Silos).Select(i => $"silo{i}")]);
        Producers = [.. Scenario.Producers?.Invoke(this) ?? Scenario.Workload.Inputs.SelectMany(DrawProducers)];
    }

    public ulong Seed { get; }

    public Reduction Reduction { get; }

    public SimulationRandom Random { get; }

    public Scenario Scenario { get; }

    public Topology Topology => Scenario.Workload.Topology;

    public Director? Director { get; }

    public Oracle Oracle { get; }

    public Faults Faults { get; }

    public Gates Gates { get; }

    public Network Network { get; }

    public Membership Membership { get; }

    public IReadOnlyList<SimulatedProducer> Producers { get; }

    public StoredData Stored { get; } = new();

    /// <summary>Names of what has been read wrongly.</summary>
    public HashSet<string> Damaged { get; } = [];

    public Totals Totals { get; } = new();

    public long NowMs { get; private set; } = 1000;

    public long WallMicros => 1_750_000_000_000_000 + (NowMs * 1000);

    public bool Tracing => _trace is not null;

    /// <summary>The first rule that did not hold.</summary>
    public SimulationException? Failure { get; private set; }

    /// <summary>Incarnations that run.</summary>
    public IReadOnlyList<SimulatedSilo> Silos => _silos;

    /// <summary>Faults happen.</summary>
    public bool Faulty { get; private set; } = true;

    public ulong Digest => _digest;

    public void Fail(string invariant, string message, Exception? inner = null)
    {
        if (Failure is null)
        {
            Trace($"=== {invariant}: {message}");
            Failure = new SimulationException(invariant, message, inner);
        }
    }

    public void Trace([InterpolatedStringHandlerArgument("")] ref TraceLine line)
    {
        if (Tracing)
        {
            _trace!($"{NowMs,6} {line.ToStringAndClear()}");
        }
    }

    public void Note(ulong what) => _digest = (_digest ^ what) * 1099511628211;

    public void Joined(SimulatedSilo silo)
    {
        Trace($"{silo.Label} joins with journal {silo.Journal}");
        Oracle.Joined(silo);
        Membership.Update();
    }

    public void Stopped(SimulatedSilo silo, string reason, Exception? error)
    {
        Trace($"{silo.Label} stops: {reason} {error?.Message}");
        bool expected = error is null or JournalFencedException || (error is StorageException && reason == "a flush failed");
        if (!expected)
        {
            Fail("stop", $"{silo.Label} stopped: {reason}: {error}", error);
        }

        if (error is null && !silo.DeclaredDead && !silo.ShuttingDown && reason.Contains("sealed", StringComparison.Ordinal))
        {
            Fail("stop", $"{silo.Label} stopped though nobody took it for dead: {reason}");
        }

        if (silo is { DeclaredDead: false, ShuttingDown: true } && error is null && silo.Silo.Journal is { } journal && journal.LastLsn > SealedEnd(silo.Journal))
        {
            Fail("stop", $"{silo.Label} stopped in good order, and lost what came after {SealedEnd(silo.Journal)}, up to {journal.LastLsn}");
        }

        Bury(silo);
    }

    /// <summary>A silo has claimed a partition.</summary>
    public void Claimed(SimulatedSilo silo, int partition)
    {
        Totals.Takeovers++;
        if (_silos.Exists(s => s != silo && s.Silo.Ownerships.Find(partition) is not null))
        {
            Totals.Count(FaultKind.TwoOwners);
        }
    }

    public SinkContent SinkContentOf(SinkDefinition sink, int partition)
    {
        if (!_sinks.TryGetValue((sink.Id, partition), out SinkContent? content))
        {
            _sinks.Add((sink.Id, partition), content = new SinkContent());
        }

        return content;
    }

    /// <summary>Silos run that have been declared dead.</summary>
    public bool HasZombies => _silos.Exists(s => s.DeclaredDead);

    public long? SealedEnd(int journal)
    {
        foreach (Seal seal in Record().Seals)
        {
            if (seal.Journal == journal)
            {
                return seal.End;
            }
        }

        return null;
    }

    /// <summary>Journals and seals, as they are stored.</summary>
    public ClusterRecord Record()
    {
        StoredRecord? stored = Stored.Records.GetValueOrDefault(ClusterRecord.RecordName);
        if (stored?.Tag != _record.Tag)
        {
            _record = (stored?.Tag, ClusterRecord.Parse(stored));
        }

        return _record.Record;
    }

    public string PartitionName(int partition) => $"{Topology.Streams.First(s => s.Id == PartitionId.StreamId(partition)).Name}-{PartitionId.Index(partition)}";

    private IEnumerable<SimulatedProducer> DrawProducers(InputStream input)
    {
        string name = input.Stream.Name;
        int clients = Random.Between(1, Scenario.Rates.MaxClients);
        for (int i = 0; i < clients; i++)
        {
            yield return new ClientProducer(this, input, $"client-{name}-{i}");
        }

        for (int i = 0; i < Scenario.MoreSources; i++)
        {
            yield return new SourceProducer(this, input, $"source-{name}-{i}");
        }

        switch (Random.Below(3))
        {
            case 0 when input.Anonymous:
                yield return new AnonymousProducer(this, input, $"anonymous-{name}");
                break;
            case 1 or 0:
                yield return new SourceProducer(this, input, $"source-{name}");
                break;
        }
    }
}

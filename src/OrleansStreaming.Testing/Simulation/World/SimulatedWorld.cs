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
    private readonly Dictionary<string, SimulatedSink> _sinks = [];
    private readonly List<SimulatedProducer> _producers = [];
    private readonly Dictionary<(int Slot, long Key, long Offset), int> _throws = [];
    private readonly Action<string>? _trace;
    private readonly Dictionary<string, int> _incarnations = [];
    private ulong _digest = 14695981039346656037;
    private ulong _nextEvent = 1;
    private int _newEvents;
    private int _crashes;

    public SimulatedWorld(ulong seed, NamedScenario? scenario = null, Action<string>? trace = null)
    {
        Seed = seed;
        _trace = trace;
        Random = new SimulationRandom(SimulationRandom.Mix(seed + 0x51ED270));
        Scenario = (scenario ?? ScenarioCatalog.Random).Draw(Random);
        Director = Scenario.Director?.Invoke();
        Oracle = new Oracle(this);
        Gates = new Gates(this);
        Network = new Network(this);
        Membership = new Membership(this, [.. Enumerable.Range(0, Scenario.Silos).Select(i => $"silo{i}")]);
        foreach (SinkDefinition sink in Scenario.Topology.Sinks)
        {
            _sinks.Add(sink.Name, new SimulatedSink(this, sink.Name, Scenario.IdempotentSinks));
        }

        foreach (string input in Scenario.Inputs)
        {
            StreamDefinition stream = Scenario.Topology.FindStream(input)!;
            _producers.Add(new ClientProducer(this, stream, $"client-{input}-0"));
            _producers.Add(Random.Below(3) switch
            {
                0 => new ClientProducer(this, stream, $"client-{input}-1"),
                1 => new AnonymousProducer(this, stream, $"anonymous-{input}"),
                _ => new SourceProducer(this, stream, $"source-{input}"),
            });
        }
    }

    public ulong Seed { get; }

    public SimulationRandom Random { get; }

    public Scenario Scenario { get; }

    public Director? Director { get; }

    public Oracle Oracle { get; }

    public Gates Gates { get; }

    public Network Network { get; }

    public Membership Membership { get; }

    public StoredData Stored { get; } = new();

    public Totals Totals { get; } = new();

    public long NowMs { get; private set; } = 1000;

    public long WallMicros => 1_750_000_000_000_000 + (NowMs * 1000);

    public bool Tracing => _trace is not null;

    /// <summary>The first rule that did not hold.</summary>
    public SimulationException? Failure { get; private set; }

    public IReadOnlyList<SimulatedSilo> Silos => _silos;

    public IReadOnlyDictionary<string, SimulatedSink> Sinks => _sinks;

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

    public void Trace(string line) => _trace?.Invoke($"{NowMs,6} {line}");

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

        Bury(silo);
    }

    public SimulatedSink Sink(string name) => _sinks[name];

    public int ReadBytes(int maxBytes) => Random.Chance(300) ? Random.Between(1, 400) : maxBytes;

    /// <summary>Silos run that have been declared dead.</summary>
    public bool HasZombies => _silos.Any(s => s is { Runs: true, DeclaredDead: true });

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

    public ClusterRecord Record() => ClusterRecord.Parse(Stored.Records.GetValueOrDefault(ClusterRecord.RecordName));

    public string PartitionName(int partition) =>
        $"{Scenario.Topology.Streams.First(s => s.Id == PartitionId.StreamId(partition)).Name}-{PartitionId.Index(partition)}";
}

using System.Buffers;
using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>What an operation that waits at a gate belongs to.</summary>
internal enum GateKind
{
    Storage,
    Append,
    Confirm,
    Sink,
    Call,
    Turn,
}

/// <summary>
/// Everything outside of the silos, under one seed: storage, network, clocks, membership, producers, sinks and the schedule
/// that decides what happens next. One thread; every run of a seed is the same.
/// </summary>
internal sealed partial class SimulatedWorld
{
    private readonly List<WaitingGate> _gates = [];
    private readonly List<(int To, SiloMessage Message, int From)> _network = [];
    private readonly List<SimulatedSilo> _silos = [];
    private readonly Dictionary<string, SimulatedSink> _sinks = [];
    private readonly List<SimulatedProducer> _producers = [];
    private readonly Dictionary<(int Slot, long Key, long Offset), int> _throws = [];
    private readonly Action<string>? _trace;
    private readonly string[] _names;
    private readonly Dictionary<string, int> _incarnations = [];
    private HashSet<string> _planned;
    private MembershipView _view;
    private int _viewVersion;
    private ulong _digest = 14695981039346656037;
    private ulong _nextEvent = 1;
    private int _newEvents;
    private int _crashes;

    public SimulatedWorld(ulong seed, Action<string>? trace = null)
    {
        Seed = seed;
        _trace = trace;
        Random = new SimulationRandom(SimulationRandom.Mix(seed + 0x51ED270));
        Scenario = Scenario.Draw(Random);
        Oracle = new Oracle(this);
        _names = [.. Enumerable.Range(0, Scenario.Silos).Select(i => $"silo{i}")];
        _planned = [.. _names];
        _view = new MembershipView(_names, new Dictionary<string, int>(), new HashSet<int>());
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

    public Oracle Oracle { get; }

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

    // ---------- for what runs in the world

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

    /// <summary>Waits until the schedule lets an operation take effect.</summary>
    public ValueTask<T> Gate<T>(SimulatedSilo owner, GateKind kind, string what, Func<T> effect)
    {
        var gate = new WaitingGate<T>(owner, kind, what, effect);
        _gates.Add(gate);
        return new ValueTask<T>(gate.Task);
    }

    public void Send(SimulatedSilo from, int toJournal, SiloMessage message)
    {
        if (Faulty && Random.Chance(message is SealsMessage ? Math.Max(Scenario.Rates.Lose, Scenario.Rates.LoseSeals) : Scenario.Rates.Lose))
        {
            Totals.MessagesLost++;
            return;
        }

        _network.Add((toJournal, message, from.Number));
        if (Faulty && Random.Chance(Scenario.Rates.Repeat))
        {
            Totals.MessagesRepeated++;
            _network.Add((toJournal, message, from.Number));
        }
    }

    public void Joined(SimulatedSilo silo)
    {
        Trace($"{silo.Label} joins with journal {silo.Journal}");
        Oracle.Joined(silo);
        ChangeView();
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

    // ---------- for producers

    public ulong NewEventId()
    {
        _newEvents++;
        return SimulationRandom.Mix(Seed, _nextEvent++);
    }

    public byte[] Encode(SimulatedEvent @event)
    {
        var buffer = new ArrayBufferWriter<byte>(32);
        Scenario.Topology.Serializers.Get<SimulatedEvent>().Write(in @event, buffer);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>The partitions of a stream that some key of the schedule lies in.</summary>
    public List<int> KeyedPartitions(StreamDefinition stream) =>
        [.. Enumerable.Range(0, Scenario.Keys).Select(k => PartitionOf(stream, k)).Distinct().Order()];

    public int PickPartition(StreamDefinition stream) => PartitionId.Of(stream, PartitionOf(stream, Random.Below(Scenario.Keys)));

    public long KeyIn(StreamDefinition stream, int partition)
    {
        while (true)
        {
            long key = Random.Below(Scenario.Keys);
            if (PartitionId.Of(stream, PartitionOf(stream, key)) == partition)
            {
                return key;
            }
        }
    }

    public static int PartitionOf(StreamDefinition stream, long key)
    {
        Span<byte> bytes = stackalloc byte[8];
        KeyCodec.Write(key, bytes);
        return KeyHash.PartitionOf(KeyHash.Compute(bytes), stream.PartitionCount);
    }

    public void Ingest(PendingIngest pending, IngestBatch batch)
    {
        Oracle.Sent(pending);
        SimulatedSilo[] running = [.. _silos.Where(s => s.Runs && (Faulty || !s.DeclaredDead))];
        if (running.Length == 0)
        {
            IngestDone(pending, new IngestResult(IngestStatus.NotHere));
            return;
        }

        SimulatedSilo? owner = Random.Chance(850) ? Random.PickFrom(running.Where(s => s.Silo.Ownerships.Find(batch.Partition) is not null).DefaultIfEmpty(running[0]).ToArray()) : null;
        SimulatedSilo silo = owner ?? Random.PickFrom(running);
        silo.Ingests.Add(pending);
        Trace($"{silo.Label} <- {pending.Producer.Id} {pending.Events.Count} events for {PartitionName(batch.Partition)} seq {batch.Sequence} previous {batch.Previous}");
        Guard(silo, () => silo.Silo.Ingest(batch));
    }

    public void IngestDone(PendingIngest pending, IngestResult result)
    {
        if (pending.Answered)
        {
            Fail("I3", $"a batch of {pending.Producer.Id} was answered twice, now {result}");
            return;
        }

        pending.Answered = true;
        foreach (SimulatedSilo silo in _silos)
        {
            silo.Ingests.Remove(pending);
        }

        Trace($"         {pending.Producer.Id} is answered {result}");
        Note((ulong)result.Status + 11);
        if (result.Status == IngestStatus.Durable)
        {
            Totals.Ingested += result.Appended;
            Oracle.CheckDurable(pending);
        }

        pending.Producer.Answered(pending, result);
    }

    public string PartitionName(int partition) =>
        $"{Scenario.Topology.Streams.First(s => s.Id == PartitionId.StreamId(partition)).Name}-{PartitionId.Index(partition)}";

    // ---------- gates

    /// <summary>An operation that has been asked for and has not taken effect.</summary>
    private abstract class WaitingGate(SimulatedSilo owner, GateKind kind, string what)
    {
        public SimulatedSilo Owner { get; } = owner;

        public GateKind Kind { get; } = kind;

        public string What { get; } = what;

        /// <summary>Takes effect and answers.</summary>
        public abstract void Pass();

        /// <summary>Takes effect though nobody waits for the answer.</summary>
        public abstract void PassUnseen();

        /// <summary>Takes no effect, and answers with an error.</summary>
        public abstract void Refuse(Exception error);

        /// <summary>Takes effect, but answers with an error.</summary>
        public abstract void PassAndRefuse(Exception error);
    }

    private sealed class WaitingGate<T>(SimulatedSilo owner, GateKind kind, string what, Func<T> effect) : WaitingGate(owner, kind, what)
    {
        private readonly TaskCompletionSource<T> _answer = new();

        public Task<T> Task => _answer.Task;

        public override void Pass()
        {
            T result;
            try
            {
                result = effect();
            }
            catch (Exception e)
            {
                _answer.SetException(Seen(e));
                return;
            }

            _answer.SetResult(result);
        }

        public override void PassUnseen()
        {
            try
            {
                effect();
            }
            catch (Exception e)
            {
                Seen(e);
            }
        }

        public override void Refuse(Exception error) => _answer.SetException(error);

        public override void PassAndRefuse(Exception error)
        {
            PassUnseen();
            _answer.SetException(error);
        }

        private Exception Seen(Exception error)
        {
            if (error is SimulationException simulation)
            {
                Owner.World.Fail(simulation.Invariant, simulation.Message);
            }

            return error;
        }
    }
}

using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>What one schedule is about: the topology, the limits, and how often what goes wrong. Drawn from the seed.</summary>
internal sealed record Scenario
{
    private static readonly ConcurrentDictionary<string, Topology> Built = new();

    public required int Silos { get; init; }

    public required int Keys { get; init; }

    public required string Shape { get; init; }

    public required Topology Topology { get; init; }

    public required IReadOnlyList<SimulatedOperator> Operators { get; init; }

    /// <summary>Streams fed from outside.</summary>
    public required IReadOnlyList<string> Inputs { get; init; }

    public required bool IdempotentSinks { get; init; }

    public required SiloOptions Options { get; init; }

    public required FaultRates Rates { get; init; }

    /// <summary>Everything is served before the first fault.</summary>
    public required bool WarmStart { get; init; }

    /// <summary>Actions with faults.</summary>
    public required int Steps { get; init; }

    public static Scenario Draw(SimulationRandom random)
    {
        var plan = new Plan(random);
        plan.Choose();
        string mix = random.Pick("even", "even", "crashes", "checkpoints", "moves", "calm");
        bool checkpoints = mix == "checkpoints" || random.Chance(300);
        var options = new SiloOptions
        {
            MaxFrameBytes = random.Pick(64, 200, 1000, 1 << 16),
            MaxFlushBytes = random.Pick(200, 2000, 1 << 20),
            FlushEveryMs = random.Pick(0, 0, 5, 40),
            CheckpointEveryMs = checkpoints ? random.Pick(1, 20, 60) : random.Pick(60, 300, 2000, 100_000),
            CheckpointBytes = random.Pick(500, 1 << 20),
            MemoryBudgetBytes = random.Pick(1, 500, 5000, 1 << 20),
            PollMs = random.Pick(20, 100, 400),
            ResendMs = random.Pick(10, 50, 200),
            StorageRetryMs = random.Pick(1, 5, 20),
            MaxBatchBytes = random.Pick(1, 100, 1000, 1 << 16),
            RowsPerStep = random.Pick(1, 8, 20, 64),
            CaptureGrainsPerStep = random.Pick(1, 2, 4, 512),
            MaxMailbox = random.Pick(1, 2, 10, 256),
            MaxRuns = random.Pick(1, 2, 3, 6),
            SinkBatchEvents = random.Pick(1, 3, 10, 500),
            SinkMaxAttempts = 3,
            SinkRetryMs = random.Pick(1, 10),
            SinkMaxRetryMs = random.Pick(20, 100),
            TrimEveryMs = checkpoints ? random.Pick(1, 30) : random.Pick(30, 200, 1000),
            ArchiveAfterMs = random.Pick(1, 20, 10_000),
            ArchiveRunBytes = random.Pick(1, 500, 1 << 20),
        };
        return new Scenario
        {
            Silos = plan.Silos,
            Keys = plan.Keys,
            Shape = $"{plan.Shape}, {mix}",
            Topology = plan.Build(),
            Operators = plan.Operators,
            Inputs = plan.Inputs,
            IdempotentSinks = random.Chance(400),
            Options = options,
            Rates = FaultRates.Draw(random, mix),
            WarmStart = random.Chance(800),
            Steps = random.Pick(400, 1000, 2000, 4000),
        };
    }

    /// <summary>Streams and operators on their way to a topology.</summary>
    private sealed class Plan(SimulationRandom random)
    {
        private readonly List<(string Name, int Partitions, bool Strict, bool Feedback)> _streams = [];
        private readonly List<(SimulatedOperator Op, string[] From)> _operators = [];
        private readonly List<string> _sinks = [];
        private bool _someStrict;
        private int _partitions;
        private int _idleMs;

        public int Silos { get; private set; }

        public int Keys { get; private set; }

        public string Shape { get; private set; } = string.Empty;

        public List<string> Inputs { get; } = [];

        public List<SimulatedOperator> Operators => [.. _operators.Select(o => o.Op)];

        public void Choose()
        {
            Silos = random.Pick(1, 2, 2, 2, 3, 3, 3, 4, 4);
            Keys = random.Between(3, 6);
            _partitions = random.Between(1, 3);
            _someStrict = random.Chance(350);
            _idleMs = random.Pick(20, 100, 100_000);
            bool timers = random.Chance(350), calls = random.Chance(300), throws = random.Chance(300), flaky = random.Chance(300), async = random.Chance(400);
            int plain = random.Pick(0, 500, 1000);
            Shape = random.Pick("chain", "chain", "fan-out", "fan-in", "two readers", "diamond", "cycle");

            void Op(string[] from, string[] to, string[]? feedback = null)
            {
                int slot = _operators.Count;
                bool flakyOne = flaky && random.Chance(500);
                _operators.Add((new SimulatedOperator
                {
                    Slot = slot,
                    Name = $"op{slot}",
                    To = to,
                    Feedback = feedback ?? [],
                    Plain = random.Chance(plain),
                    Timers = timers && random.Chance(600),
                    Calls = calls && random.Chance(600),
                    Throws = throws && random.Chance(600),
                    Flaky = flakyOne,
                    Async = async && random.Chance(600),
                    OnFailure = random.Pick(FailurePolicy.DeadLetter, FailurePolicy.Skip),
                }, from));
            }

            switch (Shape)
            {
                case "chain":
                    int length = random.Between(1, 4);
                    Stream("s0");
                    for (int i = 0; i < length; i++)
                    {
                        Stream($"s{i + 1}");
                        Op([$"s{i}"], [$"s{i + 1}"]);
                    }

                    Inputs.Add("s0");
                    _sinks.Add($"s{length}");
                    break;
                case "fan-out":
                    Streams("in", "a", "b", "c");
                    Op(["in"], ["a", "b"]);
                    Op(["a"], ["c"]);
                    Inputs.Add("in");
                    _sinks.AddRange(["b", "c"]);
                    break;
                case "fan-in":
                    Streams("in0", "in1", "out");
                    Op(["in0", "in1"], ["out"]);
                    Inputs.AddRange(["in0", "in1"]);
                    _sinks.Add("out");
                    break;
                case "two readers":
                    Streams("in", "out", "last");
                    Op(["in"], ["out"]);
                    Op(["in"], ["out"]);
                    Op(["out"], ["last"]);
                    Inputs.Add("in");
                    _sinks.AddRange(["out", "last"]);
                    break;
                case "diamond":
                    Streams("in", "a", "b", "d", "out");
                    Op(["in"], ["a", "b"]);
                    Op(["a"], ["d"]);
                    Op(["b"], ["d"]);
                    Op(["d"], ["out"]);
                    Inputs.Add("in");
                    _sinks.Add("out");
                    break;
                default:
                    Streams("in", "out");
                    Stream("loop", feedback: true);
                    Op(["in"], ["loop"], ["loop"]);
                    Op(["loop"], ["loop", "out"], ["loop"]);
                    Inputs.AddRange(["in", "loop"]);
                    _sinks.Add("out");
                    break;
            }

            if (random.Chance(300))
            {
                _sinks.Add(_streams[0].Name);
            }
        }

        public Topology Build()
        {
            var spec = new StringBuilder();
            spec.AppendJoin(';', _streams).Append('|').AppendJoin(';', _operators.Select(o => $"{string.Join(',', o.From)}>{string.Join(',', o.Op.To)}:{o.Op.Plain}{o.Op.OnFailure}"))
                .Append('|').AppendJoin(',', _sinks).Append('|').Append(CultureInfo.InvariantCulture, $"{_partitions} {_idleMs}");
            return Built.GetOrAdd(spec.ToString(), _ => Compile());
        }

        private Topology Compile()
        {
            StreamingBuilder builder = new StreamingBuilder().DefaultPartitions(_partitions)
                .UseSerializer(new ObjectStateSerializer()).UseSerializer(new DeadLetterSerializer());
            foreach ((string name, int partitions, bool strict, bool feedback) in _streams)
            {
                builder.AddStream<SimulatedEvent>(name, e => e.Key, options =>
                {
                    options.Partitions(partitions);
                    if (strict)
                    {
                        options.Strict();
                    }

                    if (feedback)
                    {
                        options.Feedback();
                    }
                });
            }

            foreach ((SimulatedOperator op, string[] from) in _operators)
            {
                builder.AddOperator(Slot.GrainType(op), from, op.To, op.Name, options =>
                {
                    options.OnFailure = op.OnFailure;
                    options.RetryDelay = TimeSpan.FromMilliseconds(4);
                    options.MaxRetryDelay = TimeSpan.FromMilliseconds(40);
                    options.IdleAfter = TimeSpan.FromMilliseconds(_idleMs);
                    options.TurnTimeout = TimeSpan.FromHours(1);
                });
            }

            foreach (string stream in _sinks)
            {
                builder.AddSink<SimulatedEvent>(
                    stream, services => ((SimulatedSilo)services.GetService(typeof(SimulatedSilo))!).SinkFor($"{stream}.sink"), $"{stream}.sink");
            }

            Topology topology = builder.Build();
            int id = 0;
            foreach (StreamDefinition stream in topology.Streams)
            {
                stream.Id = id++;
                int index = 0;
                foreach (EventType type in stream.Types)
                {
                    type.Index = index++;
                }
            }

            id = 0;
            foreach (OperatorDefinition op in topology.Operators)
            {
                op.Id = id++;
            }

            id = 0;
            foreach (SinkDefinition sink in topology.Sinks)
            {
                sink.Id = id++;
            }

            return topology;
        }

        private void Streams(params string[] names)
        {
            foreach (string name in names)
            {
                Stream(name);
            }
        }

        private void Stream(string name, bool feedback = false) =>
            _streams.Add((name, random.Chance(700) ? _partitions : random.Between(1, 3), _someStrict && random.Chance(400), feedback));
    }
}

/// <summary>How often what happens, as weights against each other, or in a thousand where it is a chance.</summary>
internal sealed record FaultRates
{
    public int Step { get; init; } = 100;

    public int Deliver { get; init; } = 100;

    public int Storage { get; init; } = 120;

    /// <summary>Appends go slower than the rest, so that more is at stake.</summary>
    public int Append { get; init; } = 100;

    /// <summary>Sinks and calls.</summary>
    public int Outside { get; init; } = 60;

    public int Complete { get; init; } = 120;

    public int Turn { get; init; } = 30;

    public int Time { get; init; } = 40;

    public int Ingest { get; init; } = 40;

    public int Read { get; init; } = 3;

    public int Kill { get; init; }

    public int Zombie { get; init; }

    public int Restart { get; init; } = 10;

    public int View { get; init; } = 20;

    public int Replan { get; init; }

    public int Shutdown { get; init; }

    /// <summary>Chance that what a dead silo had asked for does not happen any more.</summary>
    public int LoseRequests { get; init; }

    /// <summary>Chance of a message to be lost, repeated or taken out of order.</summary>
    public int Lose { get; init; }

    public int Repeat { get; init; }

    public int Reorder { get; init; }

    /// <summary>Chance of an announcement of seals to be lost.</summary>
    public int LoseSeals { get; init; }

    /// <summary>Chance that what a certain silo sends stays on its way a little longer.</summary>
    public int Slow { get; init; }

    /// <summary>The number of that silo.</summary>
    public int SlowSilo { get; init; }

    /// <summary>Chance of a storage operation to fail: before it took effect, or after.</summary>
    public int StorageError { get; init; }

    /// <summary>Chance of an append to fail, which stops a silo.</summary>
    public int AppendError { get; init; }

    public int StorageFull { get; init; }

    public int SinkError { get; init; }

    public int CallError { get; init; }

    public int WallJump { get; init; }

    /// <summary>The longest step of time, milliseconds.</summary>
    public int MaxStepMs { get; init; } = 20;

    public int MaxCrashes { get; init; }

    public int MaxIngests { get; init; }

    public static FaultRates Draw(SimulationRandom random, string mix)
    {
        bool crashes = mix == "crashes";
        return new FaultRates
        {
            Step = random.Pick(60, 100, 200),
            Deliver = random.Pick(30, 100, 200),
            Storage = random.Pick(40, 120, 200),
            Append = crashes ? random.Pick(2, 5, 15, 40) : random.Pick(5, 15, 40, 120),
            Outside = random.Pick(5, 40, 100),
            Complete = random.Pick(30, 120, 200),
            Turn = random.Pick(2, 5, 30, 100),
            Time = random.Pick(10, 40, 100),
            Ingest = random.Pick(20, 60, 120, 200),
            Kill = mix == "calm" ? 0 : crashes ? 12 : random.Pick(0, 2, 5),
            Zombie = mix == "calm" ? 0 : crashes ? 6 : random.Pick(0, 0, 2, 4),
            Restart = random.Pick(3, 15, 40),
            View = random.Pick(5, 20, 60),
            Replan = mix == "moves" ? 8 : random.Pick(0, 0, 2),
            Shutdown = mix == "moves" ? 4 : random.Pick(0, 0, 1),
            LoseRequests = random.Pick(200, 500, 1000),
            LoseSeals = random.Pick(0, 0, 1000),
            Slow = random.Pick(0, 0, 950, 990),
            SlowSilo = random.Below(4),
            Lose = random.Pick(0, 0, 20, 100),
            Repeat = random.Pick(0, 0, 20, 100),
            Reorder = random.Pick(0, 100, 500),
            StorageError = random.Pick(0, 0, 10, 50),
            AppendError = random.Pick(0, 0, 2),
            StorageFull = random.Pick(0, 0, 10),
            SinkError = random.Pick(0, 0, 50, 200),
            CallError = random.Pick(0, 100, 300),
            WallJump = random.Pick(0, 0, 5),
            MaxStepMs = random.Pick(4, 20, 100),
            MaxCrashes = crashes ? 15 : random.Between(1, 8),
            MaxIngests = random.Pick(50, 150, 300, 500),
        };
    }
}

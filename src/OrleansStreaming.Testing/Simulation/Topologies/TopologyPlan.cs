using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>Streams and operators on their way to a topology.</summary>
internal sealed class TopologyPlan(SimulationRandom random)
{
    private static readonly ConcurrentDictionary<string, Topology> Built = new();
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

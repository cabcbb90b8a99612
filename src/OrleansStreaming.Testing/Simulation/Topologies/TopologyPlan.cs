using System.Collections.Concurrent;
using System.Globalization;
using System.Text;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>A stream of a plan.</summary>
internal sealed record PlannedStream(string Name, int Partitions, bool Strict, bool Feedback, bool Text, bool Alarms, bool Retained);

/// <summary>Streams and operators on their way to a topology. Shapes add them; what they are like is drawn.</summary>
internal sealed class TopologyPlan(SimulationRandom random, TopologyFeatures features)
{
    private const int MostCached = 4000;
    private static readonly ConcurrentDictionary<string, CompiledTopology> Built = new();
    private readonly List<PlannedStream> _streams = [];
    private readonly List<(SimulatedOperator Op, string[] From)> _operators = [];
    private readonly List<(string Stream, string Name)> _sinks = [];
    private readonly List<string> _inputs = [];

    public SimulationRandom Random => random;

    public void Streams(params string[] names)
    {
        foreach (string name in names)
        {
            Stream(name);
        }
    }

    /// <summary>Adds a stream.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="feedback">It closes a cycle.</param>
    /// <param name="like">It is to have the keys and types of another stream, as both are read by one operator.</param>
    public void Stream(string name, bool feedback = false, string? like = null)
    {
        PlannedStream? other = like is null ? null : Find(like);
        _streams.Add(new PlannedStream(
            name,
            random.Chance(700) ? features.Partitions : random.Between(1, 3),
            features.Strict && random.Chance(400),
            feedback,
            other?.Text ?? (features.TextKeys && random.Chance(600)),
            other?.Alarms ?? (features.Alarms && random.Chance(500)),
            features.Retention && random.Chance(500)));
    }

    public void Input(params string[] streams) => _inputs.AddRange(streams);

    public void Operator(string[] from, string[] to, string[]? feedback = null)
    {
        int slot = _operators.Count;
        _operators.Add((new SimulatedOperator
        {
            Slot = slot,
            Name = $"op{slot}",
            To = to,
            Feedback = feedback ?? [],
            Plain = random.Chance(features.Plain),
            Bursts = features.Bursts && random.Chance(500),
            Skewed = features.Skewed,
            Timers = features.Timers && random.Chance(600),
            Calls = features.Calls && random.Chance(600),
            Throws = features.Throws && random.Chance(600),
            Flaky = features.Flaky && random.Chance(500),
            Async = features.Async && random.Chance(600),
            Hosted = features.Hosted && random.Chance(600),
            OnFailure = features.Retries ? FailurePolicy.Stop : random.Pick(FailurePolicy.DeadLetter, FailurePolicy.DeadLetter, FailurePolicy.Skip, FailurePolicy.Stop, FailurePolicy.StopPartition),
        }, from));
    }

    /// <summary>Adds a stream as it is.</summary>
    public void Add(PlannedStream stream) => _streams.Add(stream);

    /// <summary>Adds an operator as it is.</summary>
    public void Add(SimulatedOperator op, params string[] from) => _operators.Add((op, from));

    /// <summary>Adds a sink, perhaps two, to a stream. Such a stream carries one type.</summary>
    public void Sink(string stream)
    {
        int at = _streams.FindIndex(s => s.Name == stream);
        _streams[at] = _streams[at] with { Alarms = false };
        if (_sinks.Exists(s => s.Stream == stream))
        {
            return;
        }

        _sinks.Add((stream, $"{stream}.sink"));
        if (random.Chance(200))
        {
            _sinks.Add((stream, $"{stream}.other"));
        }
    }

    public SimulatedWorkload Build(int keys)
    {
        if (Built.Count > MostCached)
        {
            Built.Clear();
        }

        var spec = new StringBuilder();
        spec.AppendJoin(';', _streams).AppendJoin(';', _operators.Select(o => $"{string.Join(',', o.From)}>{string.Join(',', o.Op.To)}:{o.Op.Plain}{o.Op.OnFailure}{o.Op.Hosted}"))
            .AppendJoin(',', _sinks).Append(CultureInfo.InvariantCulture, $"{features.Partitions} {features.IdleMs} {features.MaxResident}");
        CompiledTopology compiled = Built.GetOrAdd(spec.ToString(), _ => Compile());
        return new SimulatedWorkload(compiled, [.. _inputs], [.. _operators.Select(o => o.Op with { Alarms = [.. o.Op.To.Where(t => Find(t).Alarms)] })], keys, features.Skewed);
    }

    private PlannedStream Find(string name) => _streams.Find(s => s.Name == name)!;

    private CompiledTopology Compile()
    {
        StreamingBuilder builder = new StreamingBuilder().DefaultPartitions(features.Partitions)
            .UseSerializer(new ObjectStateSerializer()).UseSerializer(new DeadLetterSerializer());
        foreach (PlannedStream stream in _streams)
        {
            if (stream.Text)
            {
                builder.AddStream<SimulatedEvent>(stream.Name, e => Text(e.Key), o => Configure(stream, o, alarm => Text(alarm.Key)));
            }
            else
            {
                builder.AddStream<SimulatedEvent>(stream.Name, e => e.Key, o => Configure(stream, o, alarm => alarm.Key));
            }
        }

        foreach ((SimulatedOperator op, string[] from) in _operators)
        {
            builder.AddOperator(Slot.GrainType(op, Find(from[0]).Text), from, op.To, op.Name, options =>
            {
                options.OnFailure = op.OnFailure;
                options.RetryDelay = TimeSpan.FromMilliseconds(4);
                options.MaxRetryDelay = TimeSpan.FromMilliseconds(40);
                options.IdleAfter = TimeSpan.FromMilliseconds(features.IdleMs);
                options.TurnTimeout = TimeSpan.FromHours(1);
                options.MaxResident = features.MaxResident;
                options.Hosting = op.Hosted ? OperatorHosting.GrainPerKey : OperatorHosting.Dense;
            });
        }

        foreach ((string stream, string name) in _sinks)
        {
            builder.AddSink<SimulatedEvent>(stream, _ => throw new NotSupportedException("the simulator puts its own in place"), name);
        }

        return new CompiledTopology(builder);
    }

    private static string Text(long key) => string.Create(CultureInfo.InvariantCulture, $"key-{key}");

    private static void Configure<TKey>(PlannedStream stream, StreamOptions<TKey> options, Func<SimulatedAlarm, TKey> keyOfAlarm)
    {
        options.Partitions(stream.Partitions);
        if (stream.Strict)
        {
            options.Strict();
        }

        if (stream.Feedback)
        {
            options.Feedback();
        }

        if (stream.Retained)
        {
            options.Retain(TimeSpan.FromMilliseconds(50), 400);
        }

        if (stream.Alarms)
        {
            options.Also(keyOfAlarm);
        }
    }
}

using Microsoft.Extensions.DependencyInjection;
using OrleansStreaming.Testing.Simulation;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Testing;

/// <summary>
/// Runs your topology, with your operator classes, in a simulated cluster under everything that can go wrong: silos that
/// crash, stall and come back, storage that fails and damages what is read, a network that loses, repeats and reorders. Then
/// it compares all states and outputs, byte by byte, with those of a plain run of the same events without silos and faults.
/// Time is virtual: a schedule of some seconds takes milliseconds, and the same seed gives the same schedule.
/// </summary>
/// <remarks>
/// Operators run on one thread, and must not await what takes time: what they ask of the outside world belongs into recorded
/// calls (<see cref="ICall{TRequest,TResult}"/>), of which the simulation needs a fake that answers at once. The topology's
/// own sinks and sources do not run: sinks are simulated, and <see cref="Input{TEvent}"/> feeds the streams. An instance may
/// run several seeds at once on several threads when the functions and services that it was given allow that.
/// </remarks>
/// <example>
/// <code>
/// SimulationResult result = StreamingSimulation
///     .Of(streaming => streaming.AddFlights())
///     .Input("flights", random => new Flight($"F{random.Next(5)}", random.Next(100)))
///     .Run(seed: 1);
/// </code>
/// </example>
public sealed class StreamingSimulation
{
    private static readonly TimeSpan RunLimit = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan ShrinkLimit = TimeSpan.FromSeconds(20);
    private readonly CompiledTopology _topology;
    private readonly ServiceProvider _services;
    private readonly List<InputStream> _inputs = [];

    private StreamingSimulation(CompiledTopology topology, ServiceProvider services)
    {
        _topology = topology;
        _services = services;
    }

    /// <summary>Takes a topology, declared as for a host.</summary>
    /// <param name="configure">Declares streams and operators; services that operators ask for go into its <c>Services</c>.</param>
    /// <exception cref="TopologyException">Lists all mistakes in the topology.</exception>
    public static StreamingSimulation Of(Action<StreamingBuilder> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        StreamingBuilder builder = new StreamingBuilder().UseSerializer(new DeadLetterSerializer()); // Without stack traces, which differ from machine to machine.
        configure(builder);
        return new StreamingSimulation(new CompiledTopology(builder), builder.Services.BuildServiceProvider());
    }

    /// <summary>Feeds a stream.</summary>
    /// <typeparam name="TEvent">A type that the stream carries.</typeparam>
    /// <param name="stream">The stream.</param>
    /// <param name="next">Makes an event, from the given random numbers alone. A handful of keys finds most: events must meet.</param>
    /// <exception cref="ArgumentException">There is no such stream, or it carries no such type.</exception>
    public StreamingSimulation Input<TEvent>(string stream, Func<Random, TEvent> next)
    {
        ArgumentNullException.ThrowIfNull(next);
        StreamDefinition target = _topology.Topology.FindStream(stream)
            ?? throw new ArgumentException($"There is no stream '{stream}'. Streams: {string.Join(", ", _topology.Topology.Streams.Where(s => !s.Internal).Select(s => s.Name))}.", nameof(stream));
        EventType<TEvent> type = target.Find<TEvent>()
            ?? throw new ArgumentException($"Stream '{stream}' carries {string.Join(", ", target.Types.Select(t => t.ClrType.Name))}, not {typeof(TEvent).Name}.", nameof(stream));
        _inputs.Add(UserWorkload.Input(target, type, next));
        return this;
    }

    /// <summary>Runs one schedule.</summary>
    /// <param name="seed">Draws the number of silos, the limits, the faults and the events.</param>
    /// <exception cref="InvalidOperationException">No stream is fed.</exception>
    public SimulationResult Run(long seed) => Run(seed, Reduction.None);

    /// <summary>Runs schedules one after the other, and stops at the first that fails, which it makes smaller.</summary>
    /// <param name="seeds">How many.</param>
    /// <param name="start">The first seed.</param>
    /// <returns>The failure in its smaller version, or the last result with the totals of all.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="seeds"/> is not positive.</exception>
    /// <exception cref="InvalidOperationException">No stream is fed.</exception>
    public SimulationResult RunMany(int seeds, long start = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(seeds);
        var totals = new Totals();
        SimulationResult result = null!;
        for (int i = 0; i < seeds; i++)
        {
            result = Run(start + i);
            totals.Add(result.Counted);
            if (!result.Passed)
            {
                var shrinker = new Shrinker((ulong)(start + i), NewScenario(), result.Invariant!, ShrinkLimit);
                return shrinker.Run(Reduction.None) ? Run(start + i, shrinker.Best) is { Passed: false } smaller ? smaller : result : result;
            }
        }

        return result.WithTotals(totals);
    }

    private SimulationResult Run(long seed, Reduction reduction)
    {
        var world = new SimulatedWorld((ulong)seed, NewScenario(), null, reduction);
        SimulationException? failure = world.Run(RunLimit);
        return new SimulationResult(seed, failure, world.Digest, world.Totals, () => Trace(seed, reduction));
    }

    private IReadOnlyList<string> Trace(long seed, Reduction reduction)
    {
        var lines = new List<string>();
        new SimulatedWorld((ulong)seed, NewScenario(), lines.Add, reduction).Run(RunLimit);
        return lines;
    }

    private NamedScenario NewScenario()
    {
        if (_inputs.Count == 0)
        {
            throw new InvalidOperationException($"Nothing would happen: feed at least one stream with {nameof(Input)}.");
        }

        var workload = new UserWorkload(_topology, [.. _inputs], _services);
        return new NamedScenario("yours", "a topology of yours", random => Scenario.Draw(random, "yours", workload, Scenario.AnyMix(random)));
    }
}

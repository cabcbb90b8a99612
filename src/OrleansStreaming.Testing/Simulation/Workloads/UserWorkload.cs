using System.Buffers;
using Microsoft.Extensions.DependencyInjection;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>A topology that the simulator knows nothing about.</summary>
internal sealed class UserWorkload(CompiledTopology compiled, IReadOnlyList<InputStream> inputs, ServiceProvider services) : Workload(compiled)
{
    public override IReadOnlyList<InputStream> Inputs => inputs;

    public override bool RunsTwice => true;

    public override object? ServiceOf(SimulatedSilo silo, Type type) => services.GetService(type);

    public override Reference NewReference(KeyTable keys) => new(Topology, Compiled.References, services, keys);

    /// <summary>A stream that a function feeds. Producers have names: two events may be equal.</summary>
    public static InputStream Input<TEvent>(StreamDefinition stream, EventType<TEvent> type, Func<Random, TEvent> next) => new(stream, (random, _) => Encode(type, next(Chance(random))), Anonymous: false);

    private static InputEvent Encode<TEvent>(EventType<TEvent> type, TEvent value)
    {
        Span<byte> key = stackalloc byte[KeyCodec.MaxBytes];
        var payload = new ArrayBufferWriter<byte>();
        int length = type.Key(in value, key);
        type.Serializer.Write(in value, payload);
        return new InputEvent(key[..length].ToArray(), (byte)type.Index, payload.WrittenSpan.ToArray());
    }

#pragma warning disable RS0030 // Seeded by the schedule: the same in every run of it.
    private static Random Chance(SimulationRandom random) => new((int)random.Next());
#pragma warning restore RS0030
}

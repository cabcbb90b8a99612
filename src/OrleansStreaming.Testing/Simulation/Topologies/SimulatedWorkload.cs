using System.Buffers;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>A topology that the simulator has drawn, of operators that fold all that they see into a hash.</summary>
internal sealed class SimulatedWorkload(CompiledTopology compiled, IReadOnlyList<string> inputs, IReadOnlyList<SimulatedOperator> operators, int keys, bool skewed)
    : Workload(compiled)
{
    public IReadOnlyList<SimulatedOperator> Operators => operators;

    public int Keys => keys;

    public override IReadOnlyList<InputStream> Inputs => field ??= [.. inputs.Select(i => Topology.FindStream(i)!).Select(s => new InputStream(s, (random, id) => Next(s, random, id), Anonymous: true))];

    public override bool RunsTwice => false;

    public override object? ServiceOf(SimulatedSilo silo, Type type) => type == typeof(IGrainWorld) ? new GrainWorld(silo, this) : null;

    public override Reference NewReference(KeyTable table) => new(Topology, Compiled.References, new CalmWorld(this), table);

    /// <summary>The same workload with fewer keys.</summary>
    public SimulatedWorkload With(int fewer) => new(Compiled, inputs, operators, fewer, skewed);

    private InputEvent Next(StreamDefinition stream, SimulationRandom random, ulong id)
    {
        int key = skewed && random.Chance(600) ? 0 : random.Below(keys);
        return stream.Types.Count > 1 && random.Chance(300)
            ? Encode(stream, new SimulatedAlarm { Key = key, Id = id })
            : Encode(stream, new SimulatedEvent { Key = key, Id = id, Ttl = 2 });
    }

    private static InputEvent Encode<T>(StreamDefinition stream, T value)
    {
        EventType<T> type = stream.Find<T>()!;
        Span<byte> key = stackalloc byte[64];
        var payload = new ArrayBufferWriter<byte>(32);
        int length = type.Key(in value, key);
        type.Serializer.Write(in value, payload);
        return new InputEvent(key[..length].ToArray(), (byte)type.Index, payload.WrittenSpan.ToArray());
    }

    /// <summary>The world of the reference: nothing goes wrong in it, and everything completes at once.</summary>
    private sealed class CalmWorld(SimulatedWorkload workload) : IGrainWorld, IServiceProvider
    {
        public int Keys => workload.Keys;

        public SimulatedOperator Operator(int slot) => workload.Operators[slot];

        public void PerhapsThrow(int slot, Offset offset, ulong eventId)
        {
        }

        public Task? PerhapsWait(int slot) => null;

        public Task<ulong> Answer(ulong request) => throw new NotSupportedException("the reference only sees recorded answers");

        public object? GetService(Type serviceType) => serviceType == typeof(IGrainWorld) ? this : null;
    }

    /// <summary>The world of a silo.</summary>
    private sealed class GrainWorld(SimulatedSilo silo, SimulatedWorkload workload) : IGrainWorld
    {
        public int Keys => workload.Keys;

        public SimulatedOperator Operator(int slot) => workload.Operators[slot];

        public void PerhapsThrow(int slot, Offset offset, ulong eventId) => silo.World.PerhapsThrow(silo, workload.Operators[slot], offset, eventId);

        public Task? PerhapsWait(int slot) => silo.World.PerhapsWait(silo, workload.Operators[slot]);

        public Task<ulong> Answer(ulong request) => silo.World.Answer(silo, request);
    }
}

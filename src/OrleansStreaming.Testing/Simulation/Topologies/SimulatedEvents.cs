using System.Buffers;
using System.Buffers.Binary;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>An event of the simulated streams. Its id tells its whole history: what made it and from which state.</summary>
internal struct SimulatedEvent
{
    public long Key;
    public ulong Id;

    /// <summary>Hops that it may still cause around a cycle.</summary>
    public int Ttl;
    public int Filler;
}

/// <summary>An event of a second type, in streams that carry two.</summary>
internal struct SimulatedAlarm
{
    public long Key;
    public ulong Id;
}

/// <summary>Asks a service whose answers differ from attempt to attempt.</summary>
internal struct SimulatedRequest
{
    public ulong Id;
}

/// <summary>An answer.</summary>
internal struct SimulatedAnswer
{
    public ulong Value;
}

/// <summary>A state that lies in memory as it is: undo copies are cheap.</summary>
internal struct PlainState
{
    public ulong Hash;
    public int Count;
    public int Timers;
    public StateParts Parts;
}

/// <summary>A state on the heap: no undo copies, and every way back leads over a checkpoint.</summary>
internal sealed class ObjectState
{
    public ulong Hash { get; set; }

    public int Count { get; set; }

    public int Timers { get; set; }

    public StateParts Parts { get; set; }
}

/// <summary>
/// Thirty bytes or so; no JSON on the way. The parts come first and their values tell their lengths: all behind a changed part
/// may move, and encodings that differ at the end alone come up, too.
/// </summary>
internal sealed class ObjectStateSerializer : IEventSerializer<ObjectState>
{
    private const int Fixed = 16;

    public string Schema => "simulated:2";

    public bool CanRead(string storedSchema) => storedSchema == Schema;

    public void Write(in ObjectState value, IBufferWriter<byte> output)
    {
        Span<byte> to = output.GetSpan(Fixed + (StateParts.Count * (StateParts.Values + 1)));
        int at = 0;
        for (int i = 0; i < StateParts.Count; i++)
        {
            int part = value.Parts[i];
            to[at++] = (byte)part;
            to.Slice(at, part).Fill(0xFF);
            at += part;
        }

        BinaryPrimitives.WriteInt32LittleEndian(to[at..], value.Count);
        BinaryPrimitives.WriteInt32LittleEndian(to[(at + 4)..], value.Timers);
        BinaryPrimitives.WriteUInt64LittleEndian(to[(at + 8)..], value.Hash);
        output.Advance(at + Fixed);
    }

    public ObjectState Read(ReadOnlySpan<byte> bytes)
    {
        StateParts parts = default;
        int at = 0;
        for (int i = 0; i < StateParts.Count; i++)
        {
            parts = parts.With(i, bytes[at]);
            at += bytes[at] + 1;
        }

        return new ObjectState
        {
            Parts = parts,
            Count = BinaryPrimitives.ReadInt32LittleEndian(bytes[at..]),
            Timers = BinaryPrimitives.ReadInt32LittleEndian(bytes[(at + 4)..]),
            Hash = BinaryPrimitives.ReadUInt64LittleEndian(bytes[(at + 8)..]),
        };
    }
}

/// <summary>A dead letter without its reason, which has a stack trace in it.</summary>
internal sealed class DeadLetterSerializer : IEventSerializer<DeadLetter>
{
    public string Schema => "simulated:1";

    public bool CanRead(string storedSchema) => storedSchema == Schema;

    public void Write(in DeadLetter value, IBufferWriter<byte> output) =>
        output.Write(System.Text.Encoding.UTF8.GetBytes($"{value.Operator}|{value.Key}|{value.Stream}|{value.Offset}|{value.EventType}"));

    public DeadLetter Read(ReadOnlySpan<byte> bytes)
    {
        string[] parts = System.Text.Encoding.UTF8.GetString(bytes).Split('|');
        return new DeadLetter(parts[0], parts[1], parts[2], parts[3], parts[4], [], string.Empty);
    }
}

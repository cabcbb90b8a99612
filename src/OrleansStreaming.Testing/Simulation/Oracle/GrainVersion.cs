using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>What a grain waits for, as the reference computes it.</summary>
internal sealed record ReferenceRequest(RecordName Name, RecordKind Kind, string Tag, long Due, byte[] Request)
{
    public override string ToString() => $"{Kind} {Tag} {Name}";
}

/// <summary>An output of a turn.</summary>
/// <param name="Partition">Where it goes.</param>
/// <param name="Name">Its name.</param>
/// <param name="Type">The index of its type in the stream.</param>
/// <param name="Key">The number of its key.</param>
/// <param name="Payload">Its bytes; null where nobody can say, as a dead letter tells of an exception.</param>
internal sealed record ReferenceOutput(int Partition, RecordName Name, byte Type, int Key, byte[]? Payload);

/// <summary>A grain after a turn.</summary>
internal sealed class GrainVersion
{
    public static readonly GrainVersion Initial = new() { Position = -1, State = null, Dependencies = new RecordSet(), Pending = [], Outputs = [] };

    public required long Position { get; init; }

    /// <summary>The encoded state; null for the one that a new instance has.</summary>
    public required byte[]? State { get; init; }

    public required RecordSet Dependencies { get; init; }

    public required IReadOnlyList<ReferenceRequest> Pending { get; init; }

    /// <summary>What the turn that led here sent.</summary>
    public required IReadOnlyList<ReferenceOutput> Outputs { get; init; }

    public bool OutputsChecked { get; set; }
}

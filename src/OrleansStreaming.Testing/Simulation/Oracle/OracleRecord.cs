using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>One record that some silo has appended, once and for all: the same event appended again is another one.</summary>
internal sealed class OracleRecord
{
    public required int Id { get; init; }

    public required int Journal { get; init; }

    public required long Lsn { get; init; }

    public required int Partition { get; init; }

    public required long Offset { get; init; }

    public required RecordKind Kind { get; init; }

    public required ProducerKind Producer { get; init; }

    public required int Operator { get; init; }

    /// <summary>Keys as hexadecimal text.</summary>
    public required string Key { get; init; }

    public required string ProducerKey { get; init; }

    public required RecordName Name { get; init; }

    public required byte[] Payload { get; init; }

    public required byte Type { get; init; }

    public required long Time { get; init; }

    /// <summary>Where its block keeps its vector.</summary>
    public required int Slot { get; init; }

    /// <summary>All records that it stems from, and itself.</summary>
    public required RecordSet Dependencies { get; init; }

    public override string ToString() =>
        $"r{Id} (J{Journal}:{Lsn}, partition {Partition}@{new Offset(Offset)}, {Kind} by {Producer} {(Producer == ProducerKind.None ? "" : $"op{Operator}/{ProducerKey}/{Name}")})";
}

/// <summary>What a grain waits for, as the oracle computes it.</summary>
internal sealed record OracleRequest(RecordName Name, RecordKind Kind, string Tag, long Due, ulong RequestId);

/// <summary>An output of a turn.</summary>
internal readonly record struct OracleOutput(int Partition, RecordName Name, ulong Id, string Key);

/// <summary>A grain after a turn.</summary>
internal sealed class GrainVersion
{
    public static readonly GrainVersion Initial = new() { Position = -1, State = default, Dependencies = new RecordSet(), Pending = [], Outputs = [] };

    public required long Position { get; init; }

    public required LogicState State { get; init; }

    public required RecordSet Dependencies { get; init; }

    public required IReadOnlyList<OracleRequest> Pending { get; init; }

    /// <summary>What the turn that led here sent.</summary>
    public required IReadOnlyList<OracleOutput> Outputs { get; init; }

    public bool OutputsChecked { get; set; }
}

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

    /// <summary>Keys by their number in <see cref="Oracle.Keys"/>.</summary>
    public required int Key { get; init; }

    public required int ProducerKey { get; init; }

    public required RecordName Name { get; init; }

    public required byte[] Payload { get; init; }

    public required byte Type { get; init; }

    public required long Time { get; init; }

    /// <summary>Where its block keeps its vector.</summary>
    public required int Slot { get; init; }

    /// <summary>All records that it stems from, and itself.</summary>
    public required RecordSet Dependencies { get; init; }

    public override string ToString() =>
        $"r{Id} (J{Journal}:{Lsn}, partition {Partition}@{new Offset(Offset)}, {Kind} by {Producer} {(Producer == ProducerKind.None ? "" : $"op{Operator}/k{ProducerKey}/{Name}")})";
}

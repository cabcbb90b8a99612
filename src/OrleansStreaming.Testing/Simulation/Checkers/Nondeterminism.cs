using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>Tells of an operator that does not do the same when it is given the same.</summary>
internal static class Nondeterminism
{
    /// <summary>Not one of the protocol's: it is what the protocol relies on.</summary>
    public const string Invariant = "determinism";

    public static string Of(OperatorDefinition op, KeyTable keys, OracleRecord record, string what)
    {
        string input = record.Kind == RecordKind.Event ? $"{op.From.Types[record.Type].ClrType.Name} {StateBytes.Text(record.Payload)}" : $"{record.Kind} {StateBytes.Text(record.Payload)}";
        return $"operator '{op.Name}' is not deterministic: on key {KeyCodec.ToText(op.From.KeyKind, keys[record.Key])}, {input} at {new Offset(record.Offset)} of '{op.From.Name}', {what}. "
            + "A turn runs again after a failure and must then do the same. Take the time from context.Time and chance from context.Random, keep everything that a turn remembers in State "
            + "(no static fields, no shared services), walk only collections with a fixed order, and ask other services through a recorded call (ICall)";
    }
}

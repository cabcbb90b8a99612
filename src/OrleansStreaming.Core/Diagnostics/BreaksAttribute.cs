namespace OrleansStreaming.Core;

/// <summary>Says which rule or invariant of the protocol (docs/protocol.md) a mutation breaks.</summary>
[AttributeUsage(AttributeTargets.Field)]
internal sealed class BreaksAttribute(string rule) : Attribute
{
    /// <summary>What the names of the AppContext switches begin with.</summary>
    public const string SwitchPrefix = "OrleansStreaming.Mutations.";

    public string Rule { get; } = rule;
}

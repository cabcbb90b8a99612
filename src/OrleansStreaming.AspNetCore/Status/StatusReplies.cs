namespace OrleansStreaming.AspNetCore;

/// <summary>What runs: every silo, what keeps it from working, and what needs attention.</summary>
internal sealed record SilosReply(
    bool Ready,
    IReadOnlyList<SiloStatus> Silos,
    IReadOnlyList<string> Problems,
    IReadOnlyList<SinkStatus> Sinks,
    IReadOnlyList<StuckTurn> StuckTurns,
    EngineTotals Totals);

/// <summary>What failures have undone.</summary>
internal sealed record RecoveryReply(IReadOnlyList<Rollback> Rollbacks);

/// <summary>What was declared.</summary>
internal sealed record TopologyReply(
    string Deployment,
    IReadOnlyList<StreamReply> Streams,
    IReadOnlyList<OperatorReply> Operators,
    IReadOnlyList<SinkReply> Sinks,
    IReadOnlyList<SourceReply> Sources,
    IReadOnlyList<EdgeReply> Edges);

/// <summary>A stream. Internal ones are inboxes and dead letters.</summary>
internal sealed record StreamReply(string Name, string KeyType, IReadOnlyList<string> Types, int Partitions, bool Strict, bool Feedback, bool Internal);

/// <summary>An operator, with what it reads and may write.</summary>
internal sealed record OperatorReply(string Name, string Class, string? StateType, IReadOnlyList<string> From, IReadOnlyList<string> To, string? Inbox, string? DeadLetters);

/// <summary>A sink.</summary>
internal sealed record SinkReply(string Name, string From, string EventType);

/// <summary>A source.</summary>
internal sealed record SourceReply(string Name, string To, string EventType);

/// <summary>Events go from one to the other; each is written as <c>stream:flights</c>, <c>operator:...</c>, <c>sink:...</c> or <c>source:...</c>.</summary>
internal sealed record EdgeReply(string From, string To);

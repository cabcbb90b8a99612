namespace OrleansStreaming.Testing.Simulation;

/// <summary>What an operator of a schedule does beside folding.</summary>
internal sealed record SimulatedOperator
{
    public required int Slot { get; init; }

    public required string Name { get; init; }

    /// <summary>The streams that it may emit to.</summary>
    public required string[] To { get; init; }

    /// <summary>Those of them that close a cycle: only events with hops left go there.</summary>
    public string[] Feedback { get; init; } = [];

    public bool Plain { get; init; }

    public bool Timers { get; init; }

    public bool Calls { get; init; }

    /// <summary>Throws always on some events.</summary>
    public bool Throws { get; init; }

    /// <summary>Throws now and then, but not more than twice in a row on one event.</summary>
    public bool Flaky { get; init; }

    public bool Async { get; init; }

    public FailurePolicy OnFailure { get; init; } = FailurePolicy.DeadLetter;
}

namespace OrleansStreaming.Testing.Simulation;

/// <summary>What a simulated operator does beside folding.</summary>
internal sealed record SimulatedOperator
{
    public required int Slot { get; init; }

    public required string Name { get; init; }

    /// <summary>The streams that it may emit to.</summary>
    public required string[] To { get; init; }

    /// <summary>Those of them that close a cycle: only events with hops left go there.</summary>
    public string[] Feedback { get; init; } = [];

    /// <summary>Those of them that take alarms, too.</summary>
    public string[] Alarms { get; init; } = [];

    /// <summary>Has an unmanaged state.</summary>
    public bool Plain { get; init; }

    /// <summary>Emits nothing most of the time, and several events when its state says so.</summary>
    public bool Bursts { get; init; }

    /// <summary>Most of what it emits goes to one key.</summary>
    public bool Skewed { get; init; }

    public bool Timers { get; init; }

    public bool Calls { get; init; }

    /// <summary>Throws always on some events; where it is to be tried again for ever, as long as there are faults.</summary>
    public bool Throws { get; init; }

    /// <summary>Throws now and then, but not more than twice in a row on one event.</summary>
    public bool Flaky { get; init; }

    public bool Async { get; init; }

    /// <summary>Has a grain per key, which takes its turns when the schedule says so.</summary>
    public bool Hosted { get; init; }

    public FailurePolicy OnFailure { get; init; } = FailurePolicy.DeadLetter;

    /// <summary>What it throws on is left out; otherwise it is tried again until it passes.</summary>
    public bool LeavesOut => OnFailure is FailurePolicy.DeadLetter or FailurePolicy.Skip;

    /// <summary>Whether it throws on an event whenever it sees it.</summary>
    public bool ThrowsOn(ulong eventId) => Throws && SimulationRandom.Mix(eventId, (ulong)Slot + 77) % 13 == 0;
}

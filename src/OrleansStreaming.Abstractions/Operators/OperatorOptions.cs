namespace OrleansStreaming;

/// <summary>What happens to an event that an operator keeps throwing on.</summary>
public enum FailurePolicy
{
    /// <summary>It goes to the stream <c>{operator}.deadletters</c> with the exception; the grain goes on without it.</summary>
    DeadLetter,

    /// <summary>It is logged and left out.</summary>
    Skip,

    /// <summary>The grain stops before it and is tried again every <see cref="OperatorOptions.MaxRetryDelay"/>.</summary>
    Stop,

    /// <summary>As <see cref="Stop"/>, and the operator reads nothing more of that partition until the event has been processed.</summary>
    StopPartition,
}

/// <summary>What runs the turns of an operator's keys.</summary>
public enum OperatorHosting
{
    /// <summary>The partition is the grain: the silo's own loop runs the turns of all keys in it. Costs a key the least memory, and an event the least time.</summary>
    Dense,

    /// <summary>
    /// Each key is a grain of the cluster: its turns run in that grain's activation, on the thread pool, so that keys of one
    /// silo run in parallel. In an engine without a cluster the same as <see cref="Dense"/>.
    /// </summary>
    GrainPerKey,
}

/// <summary>How an operator is hosted.</summary>
public sealed class OperatorOptions
{
    /// <summary>What to do when a turn keeps throwing. Default: <see cref="FailurePolicy.DeadLetter"/>.</summary>
    public FailurePolicy OnFailure { get; set; } = FailurePolicy.DeadLetter;

    /// <summary>How often a turn is tried before <see cref="OnFailure"/> applies; at least 1. Default 3.</summary>
    public int MaxAttempts { get; set; } = 3;

    /// <summary>The wait before the second attempt; doubles with each further one. Default 20 ms.</summary>
    public TimeSpan RetryDelay { get; set; } = TimeSpan.FromMilliseconds(20);

    /// <summary>The longest wait between attempts. Default 5 s.</summary>
    public TimeSpan MaxRetryDelay { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>A turn that runs longer is reported as stuck. Others go on. Default 10 s.</summary>
    public TimeSpan TurnTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>A grain without events for this long leaves memory, once it is checkpointed. Default 5 minutes.</summary>
    public TimeSpan IdleAfter { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>What runs its turns. The operator's class, and what it comes to, are the same either way. Default: <see cref="OperatorHosting.Dense"/>.</summary>
    public OperatorHosting Hosting { get; set; } = OperatorHosting.Dense;

    /// <summary>
    /// How many grains a silo keeps in memory; 0 for no limit, which is the default. Above it those that are checkpointed and
    /// have not been used for the longest time leave, before <see cref="IdleAfter"/>, and a checkpoint begins early when there
    /// are none. What is not checkpointed, or waits for a timer or a call, stays, so that for a while there can be more.
    /// </summary>
    public int MaxResident { get; set; }

    /// <summary>
    /// The partitions of the inbox of an operator that reads several streams; 0 for the builder's default. Like those of
    /// any stream they can never change, so the inbox does not follow its inputs.
    /// </summary>
    public int InboxPartitions { get; set; }

    /// <summary>The partitions of the stream <c>{operator}.deadletters</c>. Default 1.</summary>
    public int DeadLetterPartitions { get; set; } = 1;
}

using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>What one schedule is about: what runs, the limits, and how often what goes wrong. Drawn from the seed.</summary>
internal sealed record Scenario
{
    /// <summary>Grows whenever the same seed comes to draw another schedule.</summary>
    public const int Generator = 7;

    public required int Silos { get; init; }

    /// <summary>For people.</summary>
    public required string Name { get; init; }

    public required Workload Workload { get; init; }

    /// <summary>Sources of each input beside the usual ones.</summary>
    public int MoreSources { get; init; }

    public required bool IdempotentSinks { get; init; }

    public required SiloOptions Options { get; init; }

    public required FaultRates Rates { get; init; }

    /// <summary>Everything is served before the first fault.</summary>
    public required bool WarmStart { get; init; }

    /// <summary>Actions with faults.</summary>
    public required int Steps { get; init; }

    /// <summary>How long all must be quiet before the world counts as settled, milliseconds: every silo asks storage once more meanwhile.</summary>
    public int QuietMs { get; init; } = 1500;

    /// <summary>How long a silo that is to stop waits to hear of others that are, milliseconds.</summary>
    public int LeaveMs { get; init; } = 250;

    /// <summary>The chance in a thousand that all silos stop together and start again before the world settles.</summary>
    public int StopAtEnd { get; init; } = 150;

    /// <summary>Each frame of an append reaches storage by itself; else chance says how many at once.</summary>
    public bool FrameByFrame { get; init; }

    /// <summary>Makes who sends events; null for some of each kind at each input.</summary>
    public Func<SimulatedWorld, IEnumerable<SimulatedProducer>>? Producers { get; init; }

    /// <summary>Makes what takes the place of chance; null when nothing does.</summary>
    public Func<Director>? Director { get; init; }

    /// <summary>Any shape under any mix of faults.</summary>
    public static Scenario Draw(SimulationRandom random) =>
        Draw(random, random.PickFrom(Shapes.All.Keys.ToArray()), TopologyFeatures.Draw(random), AnyMix(random));

    /// <summary>A drawn topology of a shape.</summary>
    public static Scenario Draw(SimulationRandom random, string shape, TopologyFeatures features, FaultMix mix)
    {
        bool lag = mix == FaultMix.Lag;
        var plan = new TopologyPlan(random, lag ? features with { Strict = false } : features);
        Shapes.All[shape](plan);
        return Draw(random, $"{shape}, {mix}", plan.Build(lag ? random.Between(6, 20) : random.Between(3, 6)), mix);
    }

    /// <summary>Any limits and faults of a mix for a given workload.</summary>
    public static Scenario Draw(SimulationRandom random, string name, Workload workload, FaultMix mix) => new()
    {
        Silos = mix == FaultMix.Lag ? random.Pick(2, 3, 3, 4) : random.Pick(1, 2, 2, 2, 3, 3, 3, 4, 4),
        Name = name,
        Workload = workload,
        IdempotentSinks = random.Chance(400),
        Options = DrawOptions(random, mix == FaultMix.Checkpoints || random.Chance(300)),
        Rates = FaultRates.Draw(random, mix),
        WarmStart = mix == FaultMix.Lag || random.Chance(800),
        Steps = random.Pick(400, 1000, 2000, 4000),
    };

    public static FaultMix AnyMix(SimulationRandom random) =>
        random.Pick(FaultMix.Even, FaultMix.Even, FaultMix.Crashes, FaultMix.Lag, FaultMix.Lag, FaultMix.Checkpoints, FaultMix.Moves, FaultMix.Calm);

    /// <summary>A smaller version.</summary>
    public Scenario With(Reduction reduction) => this with
    {
        Silos = reduction.Silos ?? Silos,
        Steps = reduction.Steps ?? Steps,
        Workload = reduction.Keys is { } keys && Workload is SimulatedWorkload simulated ? simulated.With(keys) : Workload,
        Rates = reduction.Events is { } events ? Rates with { MaxIngests = events } : Rates,
    };

    private static SiloOptions DrawOptions(SimulationRandom random, bool checkpoints) => WithDerived(new()
    {
        MaxFrameBytes = random.Pick(64, 200, 1000, 1 << 16),
        MaxFlushBytes = random.Pick(200, 2000, 1 << 20),
        FlushEveryMs = random.Pick(0, 0, 5, 40),
        CheckpointEveryMs = checkpoints ? random.Pick(1, 20, 60) : random.Pick(60, 300, 2000, 100_000),
        CheckpointBytes = random.Pick(500, 1 << 20),
        MemoryBudgetBytes = random.Pick(1, 500, 5000, 1 << 20),
        PollMs = random.Pick(20, 100, 400),
        ResendMs = random.Pick(10, 50, 200),
        StorageRetryMs = random.Pick(1, 5, 20),
        MaxBatchBytes = random.Pick(1, 100, 1000, 1 << 16),
        RowsPerStep = random.Pick(1, 8, 20, 64),
        NamesBlocksPerStep = random.Pick(1, 8),
        SourceBacklogBytes = random.Pick(0, 100, 2000, 1 << 20),
        CaptureGrainsPerStep = random.Pick(1, 2, 4, 512),
        BlocksPerStep = random.Pick(1, 4, 128),
        LoadsPerStep = random.Pick(1, 3, 256),
        DeltaFromBytes = random.Pick(0, 1, 4096),
        DeltaMostPercent = random.Pick(50, 200, 1000),
        DeltaChainPercent = random.Pick(200, 10_000),
        DeltaBudgetBytes = random.Pick(0, 200, 1 << 20),
        DeltaChunkBytes = random.Pick(1, 5, 64),
        CaptureMicrosPerStep = random.Pick(1, 500),
        CheckpointOverhead = random.Pick(1, 10, 100) / 100.0,
        RecoveryTargetMs = random.Pick(1, 10_000),
        MaxMailbox = random.Pick(1, 2, 10, 256),
        MaxTurnsElsewhere = random.Pick(1, 3, 4096),
        CaptureWaitMs = random.Pick(0, 5, 100),
        RunBlockBytes = random.Pick(1, 30, 100, 1 << 14),
        RunWindowBytes = random.Pick(1, 64, 300, 1 << 18),
        RunCacheBytes = random.Pick(0, 100, 1000, 1 << 20),
        MergeRuns = random.Pick(2, 3, 5),
        RunSpaceFactor = random.Pick(1, 2, 4),
        SinkBatchEvents = random.Pick(1, 3, 10, 500),
        SinkMaxAttempts = 3,
        SinkRetryMs = random.Pick(1, 10),
        SinkMaxRetryMs = random.Pick(20, 100),
        TrimEveryMs = checkpoints ? random.Pick(1, 30) : random.Pick(30, 200, 1000),
        ArchiveAfterMs = random.Pick(1, 20, 10_000),
        ArchiveRunBytes = random.Pick(1, 500, 1 << 20),
    });

    /// <summary>What was not drawn when seeds were first kept, and so follows from what was: a draw more would make other schedules of them.</summary>
    private static SiloOptions WithDerived(SiloOptions options) => options with { IdlePinBytes = options.CheckpointBytes, LoadsUnawaited = options.LoadsPerStep };
}

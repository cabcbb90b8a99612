using OrleansStreaming.Core;
using OrleansStreaming.Topologies;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>What one schedule is about: the topology, the limits, and how often what goes wrong. Drawn from the seed.</summary>
internal sealed record Scenario
{
    public required int Silos { get; init; }

    public required int Keys { get; init; }

    public required string Shape { get; init; }

    public required Topology Topology { get; init; }

    public required IReadOnlyList<SimulatedOperator> Operators { get; init; }

    /// <summary>Streams fed from outside.</summary>
    public required IReadOnlyList<string> Inputs { get; init; }

    public required bool IdempotentSinks { get; init; }

    public required SiloOptions Options { get; init; }

    public required FaultRates Rates { get; init; }

    /// <summary>Everything is served before the first fault.</summary>
    public required bool WarmStart { get; init; }

    /// <summary>Actions with faults.</summary>
    public required int Steps { get; init; }

    /// <summary>Makes what takes the place of chance; null when nothing does.</summary>
    public Func<Director>? Director { get; init; }

    public static Scenario Draw(SimulationRandom random)
    {
        var plan = new TopologyPlan(random);
        plan.Choose();
        string mix = random.Pick("even", "even", "crashes", "checkpoints", "moves", "calm");
        bool checkpoints = mix == "checkpoints" || random.Chance(300);
        var options = new SiloOptions
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
            CaptureGrainsPerStep = random.Pick(1, 2, 4, 512),
            MaxMailbox = random.Pick(1, 2, 10, 256),
            MaxRuns = random.Pick(1, 2, 3, 6),
            SinkBatchEvents = random.Pick(1, 3, 10, 500),
            SinkMaxAttempts = 3,
            SinkRetryMs = random.Pick(1, 10),
            SinkMaxRetryMs = random.Pick(20, 100),
            TrimEveryMs = checkpoints ? random.Pick(1, 30) : random.Pick(30, 200, 1000),
            ArchiveAfterMs = random.Pick(1, 20, 10_000),
            ArchiveRunBytes = random.Pick(1, 500, 1 << 20),
        };
        return new Scenario
        {
            Silos = plan.Silos,
            Keys = plan.Keys,
            Shape = $"{plan.Shape}, {mix}",
            Topology = plan.Build(),
            Operators = plan.Operators,
            Inputs = plan.Inputs,
            IdempotentSinks = random.Chance(400),
            Options = options,
            Rates = FaultRates.Draw(random, mix),
            WarmStart = random.Chance(800),
            Steps = random.Pick(400, 1000, 2000, 4000),
        };
    }
}

using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>
/// The schedules that are exhausted. Streams have one partition each and lie on silos in turn: s0 on silo0, s1 on silo1.
/// </summary>
internal static class ExhaustionCatalog
{
    private static readonly SiloOptions Options = new()
    {
        MaxFrameBytes = 64,
        CheckpointEveryMs = 100_000,
        TrimEveryMs = 100_000,
        PollMs = 60,
        ResendMs = 40,
        StorageRetryMs = 4,
        MaxBatchBytes = 1,
        SinkRetryMs = 2,
        SinkMaxRetryMs = 20,
        ArchiveAfterMs = 100_000,
    };

    private static readonly SiloOptions Checkpointing = Options with
    {
        CheckpointEveryMs = 6, TrimEveryMs = 10, MergeRuns = 2, RunSpaceFactor = 1, DeltaFromBytes = 1, DeltaMostPercent = 100,
    };

    /// <summary>A move waits for a checkpoint that covers all.</summary>
    private static readonly SiloOptions Moving = Options with { CheckpointEveryMs = 10 };

    public static IReadOnlyList<ExhaustionScenario> All { get; } =
    [
        new("one-event", "one event through two silos and a re-key", Make(1), t => t.Turns >= 1 && t.Records >= 2),
        new("two-events", "two events at once through three operators on two silos", Make(2, producers: 2, length: 3), t => t.Turns >= 4),
        new("three-silos", "one event through three silos: what the first loses is two hops away", Make(1, length: 2, silos: 3), t => t.Turns >= 3),
        new("checkpoint", "checkpoints, their commits and trimming below them", Make(2, Checkpointing), t => t.CheckpointedGrains >= 2 && t.Trims >= 1),
        new("slow-flush", "flushes far apart, so that much depends on what is not durable, checkpoints too", Make(4, Checkpointing with { FlushEveryMs = 20 }, producers: 2), t => t.CheckpointedGrains >= 2),
        new("strict", "a stream that delivers only what is stable", Make(2, Options with { FlushEveryMs = 10 }, producers: 2, strict: "s1"), t => t.Turns >= 3),
        new("timer", "a grain sets a timer, and it fires", Make(3, does: op => op with { Timers = true }), t => t.Timers >= 1),
        new("call", "a grain asks a service, and the answer is recorded", Make(3, does: op => op with { Calls = true }), t => t.Calls >= 1),
        new("async-turn", "a turn waits in its middle", Make(2, does: op => op with { Async = true }), t => t.AsyncTurns >= 1),
        new("throw", "an event is left out by a recorded decision", Make(3, does: op => op with { Throws = true }), t => t.Decisions >= 1),
        new("sink", "a transactional sink takes what is stable", Make(2, sink: true), t => t.Released >= 1),
        new("idempotent-sink", "a sink that is keyed by name takes what is stable", Make(2, sink: true, idempotent: true), t => t.Released >= 1),
        new("takeover", "a silo dies, the other takes over, and gives back", Make(3), t => t is { Takeovers: >= 3, Moves: >= 1 } && Happened(t, FaultKind.Kill))
        {
            Script = At(4, "silo1", (world, silo) => world.Kill(silo)),
            ScriptRounds = 5,
        },
        new("zombie", "a silo is taken for dead, and goes on until it notices", Make(3), t => t.Takeovers >= 3 && Happened(t, FaultKind.DeclaredDead))
        {
            Script = At(4, "silo1", (world, silo) => world.DeclareDead(silo)),
            ScriptRounds = 5,
        },
        new("move", "partitions move from one live silo to the other, and back", Make(3, Moving), t => t.Moves >= 2)
        {
            Script = At(4, null, (world, _) => world.Membership.Plan("silo1")) + At(40, null, (world, _) => world.Membership.PlanAll()),
            ScriptRounds = 41,
        },
        new("cold-start", "all silos start from nothing, with an event waiting", Make(1, warm: false), t => t.Turns >= 1),
        new("shutdown", "a silo shuts down in order, and starts again", Make(3, Moving), t => t.Moves >= 2 && Happened(t, FaultKind.Shutdown))
        {
            Script = At(4, "silo1", (world, silo) => world.ShutDown(silo)),
            ScriptRounds = 5,
        },
        new("stop-all", "all silos stop in order, and start again", Make(2, Moving), t => t.Moves >= 2 && Happened(t, FaultKind.Shutdown))
        {
            Script = At(4, "silo0", (world, silo) => world.ShutDown(silo)) + At(5, "silo1", (world, silo) => world.ShutDown(silo)),
            ScriptRounds = 6,
        },
    ];

    public static ExhaustionScenario? Find(string name) => All.FirstOrDefault(s => s.Name == name);

    private static bool Happened(Totals totals, FaultKind kind) => totals.Faults().First(f => f.Kind == kind).Count > 0;

    /// <summary>Once, in a certain round; not at all when the silo that it is about is gone by then.</summary>
    private static Action<SimulatedWorld, int> At(int round, string? name, Action<SimulatedWorld, SimulatedSilo> act) => (world, now) =>
    {
        if (now == round && world.Silos.FirstOrDefault(s => !s.DeclaredDead && s.Journal >= 0 && (name is null || s.Name == name)) is { } silo)
        {
            act(world, silo);
        }
    };

    /// <summary>Operators in a row, each keying its outputs anew.</summary>
    /// <param name="events">How many events come in.</param>
    /// <param name="options">Limits and intervals.</param>
    /// <param name="producers">Who sends them, at once.</param>
    /// <param name="length">Operators that emit; the last reads what comes out.</param>
    /// <param name="silos">How many there are.</param>
    /// <param name="does">What every operator does beside folding.</param>
    /// <param name="sink">The last stream has one.</param>
    /// <param name="idempotent">It is keyed by name.</param>
    /// <param name="warm">All is served before the first step.</param>
    /// <param name="strict">The stream that delivers only what is stable.</param>
    private static Scenario Make(
        int events,
        SiloOptions? options = null,
        int producers = 1,
        int length = 1,
        int silos = 2,
        Func<SimulatedOperator, SimulatedOperator>? does = null,
        bool sink = false,
        bool idempotent = false,
        bool warm = true,
        string? strict = null)
    {
        var plan = new TopologyPlan(new SimulationRandom(0), new TopologyFeatures { Partitions = 1 });
        for (int i = 0; i <= length; i++)
        {
            plan.Add(new PlannedStream($"s{i}", 1, $"s{i}" == strict, Feedback: false, Text: false, Alarms: false, Retained: false));
        }

        for (int i = 0; i <= length; i++)
        {
            var op = new SimulatedOperator { Slot = i, Name = $"op{i}", To = i < length ? [$"s{i + 1}"] : [], Plain = i % 2 == 0, OnFailure = FailurePolicy.Skip };
            plan.Add(does?.Invoke(op) ?? op, $"s{i}");
        }

        plan.Input("s0");
        if (sink)
        {
            plan.Sink($"s{length}");
        }

        return new Scenario
        {
            Silos = silos,
            Name = "chain",
            Workload = plan.Build(keys: 3),
            IdempotentSinks = idempotent,
            Options = options ?? Options,
            Rates = new FaultRates(),
            WarmStart = warm,
            Steps = 3000,
            FrameByFrame = true,
            LeaveMs = 8,
            StopAtEnd = 0,
            QuietMs = 200,
            Producers = world => Enumerable.Range(0, producers).Select(i =>
                new ScriptedProducer(world, world.Scenario.Workload.Inputs[0], $"client-{i}", events / producers)),
        };
    }
}

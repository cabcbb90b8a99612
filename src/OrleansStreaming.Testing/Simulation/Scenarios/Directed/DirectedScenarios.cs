using OrleansStreaming.Core;

namespace OrleansStreaming.Testing.Simulation;

/// <summary>Schedules that bring about, within a few seeds, what chance alone brings about once in hundreds or thousands.</summary>
internal static class DirectedScenarios
{
    /// <summary>Nothing goes wrong but what a director does.</summary>
    private static readonly FaultRates Calm = new()
    {
        Ingest = 80, View = 60, Restart = 30, LoseRequests = 1000, MaxIngests = 300, MaxClients = 12, Append = 120,
    };

    /// <summary>Time goes fast enough for moves to come to an end.</summary>
    private static readonly FaultRates Moving = Calm with { Time = 100, MaxStepMs = 300, MaxIngests = 1000, Turn = 60 };

    /// <summary>The director alone starts silos.</summary>
    private static readonly FaultRates Stopping = Moving with { MaxStepMs = 60, Restart = 0 };

    public static IReadOnlyList<NamedScenario> All { get; } =
    [
        new("lost-speculation", "a silo dies before what others have gone on with is stored", random => Often(Busy(random), 20) with
        {
            Director = () => new LosesSpeculation(turnsWait: false),
            Rates = Calm with { Lose = random.Pick(0, 600), Reorder = 300, Turn = 60 },
        }),
        new("lost-turns", "a silo dies while others run turns on what it sent", random => Busy(random, f => f with { Async = true }) with
        {
            Director = () => new LosesSpeculation(turnsWait: true),
            Rates = Calm with { Turn = 60 },
        }),
        new("late-seals", "one silo hears of a seal long after the others", random => Busy(random) with
        {
            Silos = random.Between(3, 4),
            Director = () => new HearsOfSealsLate(),
            Rates = Calm with { View = 100, Ingest = 150, MaxIngests = 1000 },
        }),
        new("unstable-history", "who takes over a strict stream finds history that is not stable yet", random => Busy(random, f => f with { Strict = true }) with
        {
            Silos = random.Between(3, 4),
            Director = () => new KillsWhoKeptUp(),
            Rates = Calm,
        }),
        new("late-acknowledgements", "acknowledgements of a dead owner arrive when the next one serves", random => Busy(random) with
        {
            Director = () => new AcknowledgesLate(),
            Rates = Calm with { Lose = 200 },
        }),
        new("unheard", "a silo that is taken for dead serves on and does not notice", random => Busy(random) with
        {
            Director = () => new LivesOnUnheard(),
            Rates = Calm with { Ingest = 15, MaxClients = 1 },
            MoreSources = 2,
        }),
        new("loose-sends", "partitions move while sends of theirs hang", random => Rarely(Busy(random)) with
        {
            Director = () => new MovesWithLooseEnds(turnsWait: false),
            Rates = Moving,
            Steps = 3000,
        }),
        new("moves-back", "partitions are to stay while they are being released", random => Rarely(Busy(random)) with
        {
            Director = () => new MovesBack(),
            Rates = Moving,
            Steps = 3000,
        }),
        new("loose-turns", "partitions move while turns go on", random => Rarely(Busy(random, f => f with { Async = true })) with
        {
            Director = () => new MovesWithLooseEnds(turnsWait: true),
            Rates = Moving,
            Steps = 4000,
        }),
        new("stop-together", "all silos are to stop at about the same time", random => (random.Chance(300) ? Rarely(Ticking(random)) : Often(Ticking(random), 20)) with
        {
            Director = () => new StopsTogether(dies: 0),
            Rates = Stopping,
            Steps = 5000,
        }),
        new("stop-and-die", "all silos are to stop at about the same time, and one of them dies", random => Rarely(Busy(random)) with
        {
            Director = () => new StopsTogether(dies: 800),
            Rates = Stopping,
            Steps = 5000,
        }),
        new("stop-at-start", "all silos have died and come back, and are to stop before the journals of the dead are sealed", random => Rarely(Busy(random)) with
        {
            Director = () => new StopsTogether(dies: 0, comeBack: 700),
            Rates = Stopping,
            Steps = 5000,
        }),
        new("late-sink-writes", "writes of a dead silo reach a sink after those of the next owner", random => Busy(random) with
        {
            Director = () => new WritesToSinksLate(),
            IdempotentSinks = false,
            Rates = Calm with { LoseRequests = 0, Outside = 150 },
            Steps = 3000,
        }),
        new("failed-flushes", "flushes fail, some after they have reached storage", random => Busy(random) with { Rates = Calm with { FailedFlush = 30, LoseRequests = 0 } }),
        new("late-swaps", "swaps that were given up take effect later", random => Often(Busy(random), 1) with
        {
            Director = () => new SwapsLate(),
            Rates = Calm with { LateSwap = 200, Kill = 5, MaxCrashes = 10, LoseRequests = 0 },
        }),
        new("commit-races", "grains go back behind checkpoints that are being committed", random => Often(Busy(random), 20) with
        {
            Silos = random.Between(3, 4),
            Director = () => new CommitsWhileGoingBack(),
            Rates = Calm with { MaxIngests = 600 },
            Steps = 5000,
        }),
        new("dead-commits", "a silo dies in the middle of committing checkpoints", random => Often(Busy(random), 20) with
        {
            Director = () => new DiesCommitting(),
            Rates = Calm with { MaxIngests = 600 },
            Steps = 4000,
        }),
        new("forgotten-repeats", "a silo forgets names, and dies before it has acknowledged repeats of them", random => Plainly(Busy(random, f => new() { Partitions = f.Partitions, Plain = 0, Retries = true })) with
        {
            Director = () => new ForgetsRepeats(),
            Rates = Calm with { Ingest = 15, Step = 200, Deliver = 200, Storage = 200, Append = 200, Complete = 200, Time = 20, MaxStepMs = 10 },
            Steps = 8000,
        }),
        new("sleepers", "owners die while grains wait for timers and answers, and few events come", random => Often(Busy(random, f => f with { Timers = true, Calls = true }), 20) with
        {
            Rates = Calm with { Kill = 8, MaxCrashes = 12, MaxIngests = 60, MaxStepMs = 60 },
        }),
        new("flaky-replay", "turns that went well throw when they are repeated", random => Busy(random, f => f with { Flaky = true }) with
        {
            Rates = Calm with { Kill = 10, MaxCrashes = 10, Throw = 300, MaxThrows = 3 },
        }),
    ];

    /// <summary>One of them, by the seed.</summary>
    public static NamedScenario Any { get; } = new("directed", "one of the scenarios below", random => random.PickFrom(All).Draw(random));

    /// <summary>At least two silos, more events under way than usual, and nothing that goes wrong by chance.</summary>
    private static Scenario Busy(SimulationRandom random, Func<TopologyFeatures, TopologyFeatures>? with = null)
    {
        TopologyFeatures features = TopologyFeatures.Draw(random);
        Scenario drawn = Scenario.Draw(random, random.PickFrom(Shapes.All.Keys.ToArray()), with?.Invoke(features) ?? features, FaultMix.Calm);
        return drawn with
        {
            Silos = random.Between(2, 4),
            WarmStart = true,
            Steps = 2500,
            Options = drawn.Options with { FlushEveryMs = 0, PollMs = 20 },
        };
    }

    /// <summary>Grains wait for timers, so that something happens also when nothing comes in any more.</summary>
    private static Scenario Ticking(SimulationRandom random) => Busy(random, random.Chance(600) ? f => f with { Timers = true } : null);

    /// <summary>With checkpoints every so many milliseconds.</summary>
    private static Scenario Often(Scenario scenario, int everyMs) =>
        scenario with { Options = scenario.Options with { CheckpointEveryMs = everyMs, TrimEveryMs = 1, MergeRuns = 2, RunSpaceFactor = 1 } };

    /// <summary>With a checkpoint every few milliseconds, whatever it costs, and nothing else to write.</summary>
    private static Scenario Plainly(Scenario scenario) =>
        scenario with { Options = scenario.Options with { CheckpointEveryMs = 20, CheckpointOverhead = 1, MergeRuns = 5, RunSpaceFactor = 4, ArchiveAfterMs = 10_000 } };

    /// <summary>With checkpoints only where they are asked for.</summary>
    private static Scenario Rarely(Scenario scenario) =>
        scenario with { Options = scenario.Options with { CheckpointEveryMs = 100_000, CheckpointBytes = 1 << 20, IdlePinBytes = 1 << 20 } };
}

namespace OrleansStreaming.Testing.Simulation;

/// <summary>A small schedule whose every step is a place to crash at.</summary>
/// <param name="Name">In lower case, with hyphens.</param>
/// <param name="Description">What it is about, in one line.</param>
/// <param name="Scenario">Silos, topology and options.</param>
/// <param name="Exercises">Whether a plain run did what the scenario is named for.</param>
internal sealed record ExhaustionScenario(string Name, string Description, Scenario Scenario, Func<Totals, bool> Exercises)
{
    private ulong _seed;

    /// <summary>What happens from outside, by round.</summary>
    public Action<SimulatedWorld, int>? Script { get; init; }

    /// <summary>Rounds after which the script has nothing more to do.</summary>
    public int ScriptRounds { get; init; }

    /// <summary>
    /// The seed from which the operators draw what they do: the first with which a plain run does what the scenario is named for.
    /// </summary>
    public ulong Seed
    {
        get
        {
            for (ulong seed = 1; _seed == 0; seed++)
            {
                _seed = Exercises(Run(seed, CrashPlan.None, null).Totals) ? seed : 0;
                if (seed > 1000)
                {
                    throw new InvalidOperationException($"{Name}: no seed does what it is for");
                }
            }

            return _seed;
        }
    }

    /// <summary>The same with a certain seed.</summary>
    public ExhaustionScenario From(ulong seed) => this with { _seed = seed };

    /// <summary>Runs it with crashes.</summary>
    public ExhaustionRun Run(CrashPlan plan, Action<string>? trace = null) => Run(Seed, plan, trace);

    private ExhaustionRun Run(ulong seed, CrashPlan plan, Action<string>? trace)
    {
        var director = new ExhaustionDirector(plan, Script, ScriptRounds);
        Scenario scenario = Scenario with
        {
            Director = () => director,
            Rates = Scenario.Rates with { LoseRequests = plan.Late ? 0 : 1000 },
        };
        var world = new SimulatedWorld(seed, new NamedScenario(Name, Description, _ => scenario), trace);
        SimulationException? failure = world.Run(TimeSpan.FromSeconds(60));
        failure ??= director.IsDone(world) ? null : new SimulationException("I8", $"not at rest after {Scenario.Steps} rounds");
        return new ExhaustionRun(plan, director.Steps, director.Appends, director.Crashes, failure, world.Digest, world.Totals);
    }
}

/// <summary>One run.</summary>
/// <param name="Plan">Its crashes.</param>
/// <param name="Steps">Its steps.</param>
/// <param name="Appends">Those of them that can be torn.</param>
/// <param name="Crashes">Crashes that happened.</param>
/// <param name="Failure">The rule that did not hold, or null.</param>
/// <param name="Digest">The same for the same schedule.</param>
/// <param name="Totals">What happened in it.</param>
internal sealed record ExhaustionRun(CrashPlan Plan, int Steps, IReadOnlySet<int> Appends, int Crashes, SimulationException? Failure, ulong Digest, Totals Totals);

using System.Globalization;
using OrleansStreaming.Testing.Simulation;

/// <summary>The command line.</summary>
internal sealed record Options
{
    public const string Usage = """
        usage: [--seeds N] [--start S] [--minutes M] [--scenario NAME] [--mutant NAME] [--digests] [--first] [--threads T]   many seeds
               --trace SEED [--reduce TEXT] [--scenario NAME] [--mutant NAME]                    one seed, event by event
               --shrink SEED [--reduce TEXT] [--scenario NAME] [--mutant NAME] [--minutes M]     makes a failing seed smaller
               --kept FILE                                                                       the seeds of a file
               --mutants [--seeds N] [--start S] [--exhaust]                                     breaks each rule in turn
               --exhaust [all [--minutes M] [--start S] | NAME [--crash PLAN]] [--mutant NAME]   every crash point of small schedules
               --list                                                                            the scenarios
        """;

    public ulong Seeds { get; init; } = 1000;

    public ulong Start { get; init; }

    public double Minutes { get; init; }

    public ulong? Trace { get; init; }

    public ulong? Shrink { get; init; }

    public string? Kept { get; init; }

    public string? Mutant { get; init; }

    public bool Mutants { get; init; }

    public bool Digests { get; init; }

    /// <summary>Stop at the first seed that fails.</summary>
    public bool First { get; init; }

    /// <summary>Another run has started this one, which is to end with it.</summary>
    public bool Child { get; init; }

    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary>Empty for all small schedules, "all" for all of them and more, or the name of one.</summary>
    public string? Exhaust { get; init; }

    /// <summary>Where that one crashes.</summary>
    public string? Crash { get; init; }

    public bool List { get; init; }

    public NamedScenario Scenario { get; init; } = ScenarioCatalog.Random;

    public Reduction Reduction { get; init; } = Reduction.None;

    /// <summary>Reads the arguments.</summary>
    /// <exception cref="FormatException">Says what is wrong with them.</exception>
    public static Options Parse(string[] args)
    {
        var options = new Options();
        for (int i = 0; i < args.Length; i++)
        {
            string option = args[i];
            string Value() => i + 1 < args.Length ? args[++i] : throw new FormatException($"{option} needs a value");
            ulong Number() => ulong.TryParse(Value(), NumberStyles.None, CultureInfo.InvariantCulture, out ulong n) ? n : throw new FormatException($"{option} needs a number, not '{args[i]}'");
            string? PerhapsValue() => i + 1 < args.Length && !args[i + 1].StartsWith('-') ? args[++i] : null;
            options = option switch
            {
                "--seeds" => options with { Seeds = Number() },
                "--start" => options with { Start = Number() },
                "--minutes" => options with { Minutes = Number() },
                "--trace" => options with { Trace = Number() },
                "--shrink" => options with { Shrink = Number() },
                "--reduce" => options with { Reduction = Reduction.Parse(Value()) },
                "--kept" => options with { Kept = Value() },
                "--mutant" => options with { Mutant = Value() },
                "--mutants" => options with { Mutants = true },
                "--digests" => options with { Digests = true },
                "--first" => options with { First = true },
                "--child" => options with { Child = true },
                "--threads" => options with { Threads = Math.Max(1, (int)Number()) },
                "--exhaust" => options with { Exhaust = PerhapsValue() ?? string.Empty },
                "--crash" => options with { Crash = Value() },
                "--list" => options with { List = true },
                "--scenario" => options with { Scenario = ScenarioCatalog.Find(Value()) ?? throw new FormatException($"there is no scenario '{args[i]}'; --list lists them") },
                _ => throw new FormatException($"there is no option {option}\n{Usage}"),
            };
        }

        return options;
    }

    /// <summary>The command that runs one seed again.</summary>
    public string Replay(ulong seed, NamedScenario? scenario = null, Reduction? reduction = null)
    {
        scenario ??= Scenario;
        string text = (reduction ?? Reduction).ToString();
        return string.Create(CultureInfo.InvariantCulture, $"dotnet run -c Release --project tests/OrleansStreaming.Simulation -- --trace {seed}")
            + (scenario == ScenarioCatalog.Random ? "" : $" --scenario {scenario.Name}")
            + (Mutant is null ? "" : $" --mutant {Mutant}")
            + (text.Length == 0 ? "" : $" --reduce {text}");
    }
}

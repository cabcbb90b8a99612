using OrleansStreaming.Testing.Simulation;

Options options;
IReadOnlyList<SeedTask> kept;
try
{
    options = Options.Parse(args);
    kept = KeptSeeds.Read(options.Kept ?? KeptSeeds.DefaultFile);
}
catch (Exception e) when (e is FormatException or IOException)
{
    Console.Error.WriteLine(e.Message);
    return 2;
}

if (options.List)
{
    foreach (NamedScenario named in ScenarioCatalog.All)
    {
        Console.WriteLine($"{named.Name,-20} {named.Description}");
    }

    return 0;
}

if (options.Child)
{
    ChildRun.EndWithParent();
}

if (options.Mutant is { } mutant && !Mutant.SwitchOn(mutant))
{
    Console.Error.WriteLine($"there is no mutant {mutant}; there are {string.Join(", ", Mutant.All.Select(m => m.Name))}");
    return 2;
}

if (options.Mutants)
{
    return options.Exhaust is null ? await Mutants.RunAllAsync(options.Seeds, options.Start)
        : await Exhaust.RunMutantsAsync(ExhaustionCatalog.Find(options.Exhaust) is { } one ? [one] : ExhaustionCatalog.All);
}

if (options.Exhaust is "" or "all")
{
    return await Exhaust.RunAllAsync(everything: options.Exhaust == "all", options.Minutes, options.Start);
}

if (options.Exhaust is { } name)
{
    if (ExhaustionCatalog.Find(name) is not { } small || (options.Crash is not null && CrashPlan.TryParse(options.Crash) is null))
    {
        Console.Error.WriteLine($"--exhaust wants a name, and --crash steps such as 17b+40a+late (b: before it, a: after it, o: another silo, s, m, e: within an append); there are {string.Join(", ", ExhaustionCatalog.All.Select(s => s.Name))}");
        return 2;
    }

    if (options.First)
    {
        return Exhaust.RunUntilFailure(options.Start == 0 ? small : small.From(options.Start), options.Mutant is null ? "" : $" --mutant {options.Mutant}");
    }

    return options.Crash is null ? Exhaust.RunOne(small) : Exhaust.Replay(small, CrashPlan.TryParse(options.Crash)!);
}

if (options.Trace is { } traced)
{
    return OneSeed.Trace(options, traced);
}

if (options.Shrink is { } shrunk)
{
    return OneSeed.Shrink(options, shrunk);
}

// What is asked for runs without what failed once when it is about something else: one scenario, or a broken rule.
bool whole = options.Scenario == ScenarioCatalog.Random && options.Mutant is null;
int failed = options.Kept is not null || whole ? new SeedRun(options with { Minutes = 0 }).Run("kept", kept, (ulong)kept.Count, mustHaveAllFaults: false) : 0;
if (options.Kept is not null)
{
    return failed;
}

const ulong EnoughForAllFaults = 300;
return failed | new SeedRun(options).Run("seeds", Seeds(), options.Seeds, mustHaveAllFaults: whole && options.Minutes == 0 && options.Seeds >= EnoughForAllFaults);

IEnumerable<SeedTask> Seeds()
{
    for (ulong i = 0; i < options.Seeds || options.Minutes > 0; i++)
    {
        yield return new SeedTask(options.Scenario, options.Start + i);
    }
}
